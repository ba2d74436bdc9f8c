package page

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"out_sls_kafka/test/sls"
)

// sample is a record of a metricstore.
func sample(name, labels string, seconds int, value string) string {
	return fmt.Sprintf(`{"__name__":%q,"__labels__":%q,"__time_nano__":"%d000000000","__value__":%q}`, name, labels, 1_700_000_000+seconds, value)
}

// spanLog is a record of a span; parent may be empty.
func spanLog(trace, id, parent, name string, start, duration int, status string) string {
	return fmt.Sprintf(`{"host":"h","service":"shop","name":%q,"kind":"server","traceID":%q,"spanID":%q,"parentSpanID":%q,"start":%d,"end":%d,"duration":%d,"statusCode":%q}`,
		name, trace, id, parent, start, start+duration, duration, status)
}

// find returns the view of a logstore as the page makes it.
func (s *site) find(logstore, search string) *view {
	v := &view{Logstore: logstore, Search: search, Limit: 10}
	v.find(s.e.Logs(logstore))
	return v
}

// Records of a metricstore are drawn as series: each name with its labels has one line,
// in the order of its times, with gaps where a value is not a number.
func TestSeries(t *testing.T) {
	s := startSite(t, sls.Options{})
	s.land("demo.json", sample("up", "job#$#a|zone#$#<b>", 20, "3"), sample("up", "job#$#a|zone#$#<b>", 0, "1"), sample("up", "job#$#a|zone#$#<b>", 10, "NaN"),
		sample("down", "", 0, "7"), `{"__name__":"broken"}`, `{"a":1}`, sample("odd", "", 0, "+Inf"))
	v := s.find("demo", "")
	if v.Series.Total != 3 || len(v.Traces) != 0 {
		t.Fatalf("%d series, %d traces", v.Series.Total, len(v.Traces))
	}
	for i, want := range []string{
		"down  7 1 7 to 7 M120.0 20.0h.1",
		"odd  +Inf 1  ",
		"up job=a, zone=<b> 3 3 1 to 3 M0.0 40.0h.1M240.0 0.0h.1",
	} {
		c := v.Series.Shown[i]
		if got := fmt.Sprint(c.Name, " ", c.Labels, " ", c.Last(), " ", c.Points(), " ", c.Range(), " ", c.Line()); got != want {
			t.Errorf("series %d: %s, want %s", i, got, want)
		}
	}
	s.want("GET", "/", "", http.StatusOK, `<path d="M0.0 40.0h.1M240.0 0.0h.1"/>`)
	s.want("GET", "/", "", http.StatusOK, "zone=&lt;b&gt;")
	if v := s.find("demo", "__name__:up"); v.Series.Total != 1 {
		t.Errorf("a search found %d series", v.Series.Total)
	}
}

// A logstore of logs shows neither series nor traces.
func TestNothingToDraw(t *testing.T) {
	s := startSite(t, sls.Options{Logstores: []string{"demo", "empty"}})
	s.land("demo.json", sample("up", "", 0, "1"), spanLog("t", "1", "", "a", 0, 1, "OK"), accessLog(0, 1)[0])
	for _, logstore := range []string{"demo", "empty"} {
		if v := s.find(logstore, ""); v.Series.Total != 0 || len(v.Traces) != 0 {
			t.Errorf("%s: %d series, %d traces", logstore, v.Series.Total, len(v.Traces))
		}
		if _, text := s.call("GET", "/?logstore="+logstore, ""); strings.Contains(text, "<h2>Series") || strings.Contains(text, "<h2>Trace") {
			t.Errorf("%s: something is drawn", logstore)
		}
	}
}

// The newest traces are drawn, each span with its place in the trace, whatever the order
// in which spans landed.
func TestTraces(t *testing.T) {
	s := startSite(t, sls.Options{})
	var logs []string
	for i := range maxTraces + 2 {
		logs = append(logs, spanLog(fmt.Sprint("old", i), "1", "", "old", i, 1, "OK"))
	}
	logs = append(logs, spanLog("t", "4", "gone", "orphan", 1900, 100, "UNSET"), spanLog("t", "3", "2", "query", 1200, 500, "ERROR"),
		spanLog("t", "2", "1", "handle", 1100, 800, "OK"), spanLog("t", "1", "", "GET <x>", 1000, 1000, "OK"))
	s.land("demo.json", logs...)
	v := s.find("demo", "")
	if len(v.Traces) != maxTraces || v.Traces[0].ID != "t" || v.Traces[0].Duration() != "1 ms" || v.Series.Total != 0 {
		t.Fatalf("%d traces, the first is %+v", len(v.Traces), v.Traces[0])
	}
	var got []string
	for _, c := range v.Traces[0].Spans {
		got = append(got, fmt.Sprint(c.Depth, " ", c.Name, " ", c.Left, " ", c.Width, " ", c.Failed, " ", c.Duration()))
	}
	if want := "0 GET <x> 0 1000 false 1 ms; 1 handle 100 800 false 800 µs; 2 query 200 500 true 500 µs; 0 orphan 900 100 false 100 µs"; strings.Join(got, "; ") != want {
		t.Errorf("%s, want %s", strings.Join(got, "; "), want)
	}
	s.want("GET", "/", "", http.StatusOK, `<tr class="failed"><td class="depth2">query`)
	s.want("GET", "/", "", http.StatusOK, "GET &lt;x&gt;")
	if v := s.find("demo", "traceID:old3"); len(v.Traces) != 1 || v.Traces[0].ID != "old3" {
		t.Errorf("a search found %d traces", len(v.Traces))
	}
}

// Spans that are their own or each other's parents, that are in it twice, that are too many
// or have absurd times are drawn somehow, once each.
func TestOddTraces(t *testing.T) {
	s := startSite(t, sls.Options{})
	logs := []string{spanLog("odd", "1", "2", "a", 10, 5, "OK"), spanLog("odd", "2", "1", "b", 11, 5, "OK"), spanLog("odd", "3", "3", "c", 12, 5, "OK"),
		spanLog("odd", "2", "1", "d", 13, 5, "OK"), spanLog("odd", "", "", "e", 14, 0, "OK"),
		`{"traceID":"odd","spanID":"9","start":9223372036854775807,"duration":9223372036854775807}`, `{"traceID":"odd","spanID":"8","start":-1,"duration":1}`}
	for i := range maxTraceSpans + 3 {
		logs = append(logs, spanLog("deep", fmt.Sprint(i+1), fmt.Sprint(i), "x", i, 1, "OK"))
	}
	s.land("demo.json", logs...)
	v := s.find("demo", "")
	if len(v.Traces) != 2 || len(v.Traces[0].Spans) != maxTraceSpans || v.Traces[0].Hidden != 3 || len(v.Traces[1].Spans) != 5 {
		t.Fatalf("%+v", v.Traces)
	}
	for _, c := range append(v.Traces[0].Spans, v.Traces[1].Spans...) {
		if c.Depth > maxIndent || c.Left < 0 || c.Left > waterfallWidth || c.Width < 1 || c.Width > waterfallWidth {
			t.Errorf("%+v", c)
		}
	}
	s.want("GET", "/", "", http.StatusOK, "3 more are not shown")
}

// A person sees the line of a series and the bars of a trace, on a wide screen and a narrow
// one, and those that land later.
func TestFormsInABrowser(t *testing.T) {
	b := startBrowser(t)
	for _, width := range []int{1280, 360} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := startSite(t, sls.Options{Logstores: []string{"metrics", "traces"}})
			var values []string
			for i := range 30 {
				values = append(values, sample("node_load1", "instance#$#node-1", 10*i, fmt.Sprint(i*i%17)),
					sample("node_cpu_seconds_total", "cpu#$#0|instance#$#node-1|mode#$#idle", 10*i, fmt.Sprint(5000+9*i)))
			}
			s.land("metrics.json", values...)
			s.land("traces.json", spanLog("089d7ea7f247b9fe2006ceb47ff2600d", "1", "", "GET /orders", 1000, 91000, "OK"),
				spanLog("089d7ea7f247b9fe2006ceb47ff2600d", "2", "1", "SELECT orders", 9000, 60000, "OK"), spanLog("089d7ea7f247b9fe2006ceb47ff2600d", "3", "1", "POST /pay", 70000, 20000, "ERROR"))
			const height = "Math.round(document.querySelector('%s').getBoundingClientRect().height) > 10"
			p := b.open(t, s.server.URL+"/?logstore=metrics", width)
			p.wait("document.querySelectorAll('#series path').length === 2")
			p.wait(fmt.Sprintf(height, "#series svg"))
			p.picture(fmt.Sprintf("series-%d", width))
			p.fits()
			s.land("metrics.json", sample("new", "", 0, "1"))
			p.wait("document.querySelectorAll('#series path').length === 3")

			p = b.open(t, s.server.URL+"/?logstore=traces", width)
			p.wait("document.querySelectorAll('#traces rect').length === 3 && document.querySelectorAll('#traces .failed').length === 1")
			p.wait(fmt.Sprintf(height, "#traces svg"))
			p.wait("document.querySelector('#traces .failed rect').getBoundingClientRect().width > 20")
			p.picture(fmt.Sprintf("traces-%d", width))
			p.fits()
		})
	}
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the pages complained: %q", c)
	}
}
