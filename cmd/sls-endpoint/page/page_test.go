package page

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"out_sls_kafka/test/sls"
)

// call makes a request and returns the answer's status and text.
func (s *site) call(method, path, form string, header ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// want fails where a request is not answered with a status and text in it.
func (s *site) want(method, path, form string, status int, says string) {
	s.t.Helper()
	got, text := s.call(method, path, form)
	if got != status || !strings.Contains(text, says) {
		s.t.Errorf("%s %s %s: %d %s, want %d and %q in it", method, path, form, got, text, status, says)
	}
}

// shownView is what the JSON says, as another program reads it.
type shownView struct {
	Project   string
	Logstores []struct {
		Name   string
		Count  int
		Shards []int
	}
	Logstore    string
	Kept, Found int
	Logs        []struct {
		Logstore string
		Shard    int
		Time     int64 `json:"__time__"`
		Fields   map[string]string
	}
	Arrivals struct {
		Until  int64
		Counts []int
	}
}

func (s *site) view(query string) shownView {
	s.t.Helper()
	status, text := s.call("GET", "/json?"+query, "")
	var v shownView
	if err := json.Unmarshal([]byte(text), &v); err != nil || status != http.StatusOK {
		s.t.Fatalf("/json?%s: %d %v\n%s", query, status, err, text)
	}
	return v
}

func TestJSON(t *testing.T) {
	s := startSite(t, sls.Options{Logstores: []string{"web", "plain"}, Keep: 20})
	s.land("web.json", accessLog(0, 30)...)
	s.land("plain", "a <b> line")

	v := s.view("logstore=web&limit=3")
	if v.Project != "demo-project" || v.Logstore != "web" || v.Kept != 20 || v.Found != 20 || len(v.Logs) != 3 {
		t.Errorf("%+v, want the newest 3 of the 20 kept logs of web", v)
	}
	if got := fmt.Sprint(v.Logstores); got != "[{plain 1 [1 0]} {web 30 [30 0]}]" {
		t.Errorf("logstores %s", got)
	}
	newest := v.Logs[0]
	if newest.Logstore != "web" || newest.Time != at.Unix()+29 || newest.Fields["seq"] != "29" || newest.Fields["status"] != "200" {
		t.Errorf("newest log %+v", newest)
	}
	sum := 0
	for _, n := range v.Arrivals.Counts {
		sum += n
	}
	if sum != 30 || len(v.Arrivals.Counts) != sls.ArrivalSeconds || v.Arrivals.Until == 0 {
		t.Errorf("%d arrivals in %d seconds, want 30 in %d", sum, len(v.Arrivals.Counts), sls.ArrivalSeconds)
	}
	if v := s.view(""); v.Logstore != "plain" || v.Logs[0].Fields["content"] != "a <b> line" {
		t.Errorf("without a query: %+v, want the first logstore", v)
	}
	if v := s.view("logstore=web&search=status:500"); v.Found != 3 || v.Logs[0].Fields["seq"] != "24" { // 10, 17 and 24 of 10 to 29
		t.Errorf("search found %d: %+v", v.Found, v.Logs)
	}
	if _, text := s.call("GET", "/json?logstore=plain", ""); !strings.Contains(text, "a <b> line") {
		t.Errorf("the JSON is escaped for HTML: %s", text)
	}
	for query, says := range map[string]string{
		"logstore=absent": `"absent"`, "limit=0": `"0"`, "limit=x": `"x"`, "limit=10001": "10000", "search=%zz": "query",
	} {
		s.want("GET", "/json?"+query, "", http.StatusBadRequest, says)
		s.want("GET", "/?"+query, "", http.StatusBadRequest, says)
	}
	s.want("GET", "/favicon.ico", "", http.StatusNotFound, "")
	s.want("POST", "/", "", http.StatusMethodNotAllowed, "")
}

func TestSearch(t *testing.T) {
	fields := []sls.Field{{Key: "Level", Value: "ERROR"}, {Key: "msg", Value: "Cannot open /var/log at 12:30:05"}, {Key: "url", Value: "http://example.com/a"}}
	for search, want := range map[string]bool{
		"":                     true,
		"error":                true,
		"  ERROR   cannot ":    true,
		"error absent":         false,
		"level:err":            true,
		"msg:err":              false,
		"LEVEL:Error msg:open": true,
		"12:30":                true,
		"http://example":       true,
		"level":                false, // a key is not a value
		"level:":               false,
		":":                    true,
		":error":               false,
	} {
		if got := matches(parseSearch(search), fields); got != want {
			t.Errorf("search %q: %t, want %t", search, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	s := startSite(t, sls.Options{})
	var wide strings.Builder
	for i := range maxColumns + 2 {
		fmt.Fprintf(&wide, `"k%d":%d,`, i, i)
	}
	long := strings.Repeat("x", maxValueBytes-1) + "äöü"
	s.land("demo.json", "{"+strings.TrimSuffix(wide.String(), ",")+"}", `{"a":"1","b":"2","a":"3","long":"`+long+`"}`, `{"b":"only"}`)
	v := &view{Logstore: "demo", Limit: 10}
	v.find(s.e.Logs("demo"))
	got := v.Table()
	if want := []string{"b", "a", "long", "k0"}; !slices.Equal(got.Columns[:4], want) || len(got.Columns) != maxColumns+1 || got.Columns[maxColumns] != moreColumn {
		t.Errorf("columns %v", got.Columns)
	}
	if c := got.Rows[0].Cells; c[0] != (cell{"b", "only"}) || c[1] != (cell{}) {
		t.Errorf("first row %v", c[:2])
	}
	second := got.Rows[1].Cells
	if second[1] != (cell{"a", "1\n3"}) {
		t.Errorf("a key twice: %v", second[1])
	}
	if want := fmt.Sprintf("%s… (%d bytes)", strings.Repeat("x", maxValueBytes-1), len(long)); second[2].Value != want {
		t.Errorf("a long value ends with %q", second[2].Value[maxValueBytes-10:])
	}
	third := got.Rows[2].Cells
	if more := third[maxColumns].Value; !strings.HasPrefix(more, "k37: 37\nk38: 38") || third[3].Value != "0" {
		t.Errorf("further fields %q", more)
	}
	if got.Rows[0].Time != "2023-11-14 22:13:22.123" {
		t.Errorf("time %s", got.Rows[0].Time)
	}
	s.want("GET", "/", "", http.StatusOK, "<th>"+moreColumn+"</th>")
}

func TestBars(t *testing.T) {
	a := arrivals{Counts: []int{0, 1, 600, 300, 0}}
	if got, want := a.Bars(), "M1 60v-1h1V60M2 60v-60h1V60M3 60v-30h1V60"; got != want {
		t.Errorf("bars %s, want %s", got, want)
	}
	if a.Most() != 600 || a.Last() != 300 {
		t.Errorf("most %d, last %d", a.Most(), a.Last())
	}
	if got := (arrivals{Counts: []int{0, 0}}).Bars(); got != "" {
		t.Errorf("bars of nothing %q", got)
	}
}

func TestShowMore(t *testing.T) {
	s := startSite(t, sls.Options{})
	s.land("demo", "1", "2", "3")
	s.want("GET", "/?limit=2", "", http.StatusOK, `href="/?logstore=demo&amp;search=&amp;limit=20"`)
	if _, text := s.call("GET", "/?limit=3", ""); strings.Contains(text, "Show more") {
		t.Error("more is offered than there is")
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	s := startSite(t, sls.Options{Logstores: []string{"web", "plain"}})
	s.want("GET", "/faults", "", http.StatusOK, "[]")
	s.want("POST", "/faults", "fault=KAFKA_STORAGE_ERROR&count=2&logstore=web", http.StatusOK, `[{"fault":"KAFKA_STORAGE_ERROR","logstore":"web","count":2,"hits":0}]`)
	s.want("POST", "/faults?fault=ACK_DELAY&delay=20ms", "", http.StatusOK, `{"fault":"ACK_DELAY","delay":"20ms","hits":0}`)
	s.want("GET", "/", "", http.StatusOK, "KAFKA_STORAGE_ERROR")
	s.land("web", "x") // refused twice, then landed
	s.want("GET", "/faults", "", http.StatusOK, `[{"fault":"ACK_DELAY","delay":"20ms","hits":`)
	if got := s.e.Count("web"); got != 1 {
		t.Errorf("%d logs landed, want 1", got)
	}
	s.want("DELETE", "/faults?fault=ACK_DELAY", "", http.StatusOK, "[]")
	for _, name := range sls.FaultNames() {
		form := "fault=" + name
		if name == sls.AckDelay {
			form += "&delay=1h"
		}
		s.want("POST", "/faults", form, http.StatusOK, name)
	}
	if got := len(s.e.Faults()); got != len(sls.FaultNames()) {
		t.Errorf("%d faults are on, want all", got)
	}
	s.want("DELETE", "/faults", "", http.StatusOK, "[]")

	for form, says := range map[string]string{
		"":                                          "KAFKA_STORAGE_ERROR",
		"fault=NO_SUCH":                             "KAFKA_STORAGE_ERROR",
		"fault=ACK_DELAY":                           "delay",
		"fault=ACK_DELAY&delay=3":                   `"3"`,
		"fault=CONNECTION_CUT&count=0":              `"0"`,
		"fault=CONNECTION_CUT&cuont=3":              `"cuont"`,
		"fault=CONNECTION_CUT&fault=x":              "2 times",
		"fault=KAFKA_STORAGE_ERROR&%zz":             "form",
		"fault=KAFKA_STORAGE_ERROR&logstore=absent": `"absent"`,
	} {
		s.want("POST", "/faults", form, http.StatusBadRequest, says)
	}
	s.want("DELETE", "/faults?fault=NO_SUCH", "", http.StatusBadRequest, "NO_SUCH")
	s.want("DELETE", "/faults?name=x", "", http.StatusBadRequest, `"name"`)
	s.want("GET", "/faults", "", http.StatusOK, "[]")
	if status, text := s.call("POST", "/faults", "fault=CONNECTION_CUT", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a page of another site switched a fault on: %d %s", status, text)
	}
}

func TestShardsOverHTTP(t *testing.T) {
	s := startSite(t, sls.Options{})
	s.want("POST", "/shards", "logstore=demo&add=2", http.StatusOK, `[{"name":"demo","count":0,"shards":[0,0,0,0]}]`)
	for form, says := range map[string]string{
		"logstore=demo":          `""`,
		"logstore=demo&add=0":    `"0"`,
		"logstore=demo&add=999":  "256",
		"logstore=no-such&add=1": `"no-such"`,
		"logstore=demo&by=2":     `"by"`,
	} {
		s.want("POST", "/shards", form, http.StatusBadRequest, says)
	}
}

func TestParseFault(t *testing.T) {
	f, err := ParseFault(url.Values{"fault": {"NETWORK_EXCEPTION"}, "logstore": {"web"}, "count": {"5"}})
	if want := (sls.Fault{Name: "NETWORK_EXCEPTION", Logstore: "web", Count: 5}); err != nil || f != want {
		t.Errorf("%+v, %v, want %+v", f, err, want)
	}
}
