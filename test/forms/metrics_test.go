package forms

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// exposition has each type of Prometheus, and what is odd in names, labels and values.
const exposition = `# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027
http_requests_total{method="post",code="400"} 3
http_requests_total{method="get|head",code="200",empty=""} 9007199254740993
# TYPE temperature_celsius gauge
temperature_celsius{room="caf\"e"} -3.25
temperature_celsius{room="größe\nline"} 1e-7
temperature_celsius 1.5e+300
# TYPE something_weird untyped
something_weird{problem="division by zero"} +Inf
something_weird{problem="none"} NaN
something_weird{problem="below"} -Inf
# TYPE rpc_duration_seconds summary
rpc_duration_seconds{service="a",quantile="0.5"} 4.25
rpc_duration_seconds{service="a",quantile="0.99"} 76.5
rpc_duration_seconds_sum{service="a"} 1756.5
rpc_duration_seconds_count{service="a"} 2693
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{zone="z",app="a",le="1e-06"} 1
http_request_duration_seconds_bucket{zone="z",app="a",le="0.05"} 24054
http_request_duration_seconds_bucket{zone="z",app="a",le="1"} 100392
http_request_duration_seconds_bucket{zone="z",app="a",le="2.5e+06"} 144319
http_request_duration_seconds_bucket{zone="z",app="a",le="+Inf"} 144320
http_request_duration_seconds_sum{zone="z",app="a"} 53423.5
http_request_duration_seconds_count{zone="z",app="a"} 144320
# TYPE recorded_rate5m gauge
recorded_rate5m{_a="1",B9="2"} 0.1
`

// series are values by name and labels: name{a="1",b="2"}.
type series map[string]float64

func seriesKey(name string, labels map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, fmt.Sprintf("%s=%q", k, labels[k]))
	}
	return name + "{" + strings.Join(parts, ",") + "}"
}

// parsed returns what Prometheus' parser makes of an exposition, as a metricstore has it:
// without empty values, and without the character that separates labels.
func parsed(t *testing.T, text string) series {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	var all []*dto.MetricFamily
	for _, f := range families {
		all = append(all, f)
	}
	samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: 1}, all...)
	if err != nil {
		t.Fatal(err)
	}
	s := series{}
	for _, sample := range samples {
		labels, name := map[string]string{}, ""
		for k, v := range sample.Metric {
			if k == model.MetricNameLabel {
				name = string(v)
			} else if v != "" {
				labels[string(k)] = strings.ReplaceAll(string(v), "|", "_")
			}
		}
		s[seriesKey(name, labels)] = float64(sample.Value)
	}
	return s
}

// stored returns the series of a logstore by their time. Each record must have the form
// of a metricstore.
func (x *example) stored(t *testing.T, logstore string) map[string]series {
	t.Helper()
	scrapes := map[string]series{}
	names := regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	keys := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	for _, log := range x.endpoint.Logs(logstore) {
		var fields map[string]string
		if err := json.Unmarshal(log.Value, &fields); err != nil || len(fields) != 4 || !names.MatchString(fields["__name__"]) {
			t.Fatalf("record %s: %v", log.Value, err)
		}
		labels, last := map[string]string{}, ""
		for pair := range strings.SplitSeq(fields["__labels__"], "|") {
			if fields["__labels__"] == "" {
				break
			}
			k, v, ok := strings.Cut(pair, "#$#")
			if !ok || !keys.MatchString(k) || v == "" || k <= last {
				t.Fatalf("labels of %s", log.Value)
			}
			labels[k], last = v, k
		}
		value, err := strconv.ParseFloat(fields["__value__"], 64)
		if err != nil {
			t.Fatalf("record %s: %v", log.Value, err)
		}
		at := fields["__time_nano__"]
		if len(at) != 19 || at[:10] != fmt.Sprint(log.Time.Unix()) {
			t.Fatalf("record %s has the time %v", log.Value, log.Time)
		}
		if scrapes[at] == nil {
			scrapes[at] = series{}
		}
		key := seriesKey(fields["__name__"], labels)
		if before, twice := scrapes[at][key]; twice {
			t.Fatalf("%s twice in one scrape: %v and %v", key, before, value)
		}
		scrapes[at][key] = value
	}
	return scrapes
}

// difference returns what differs, "" if nothing does.
func difference(got, want series) string {
	var lines []string
	for k, v := range want {
		if w, ok := got[k]; !ok {
			lines = append(lines, fmt.Sprintf("%s %v is missing", k, v))
		} else if w != v && !(math.IsNaN(v) && math.IsNaN(w)) {
			lines = append(lines, fmt.Sprintf("%s is %v, want %v", k, w, v))
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			lines = append(lines, fmt.Sprintf("%s %v is too much", k, v))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// closest compares the wanted series with the scrape that comes nearest to them.
func closest(scrapes map[string]series, want series) string {
	best := "nothing was scraped"
	for _, got := range scrapes {
		d := difference(got, want)
		if d == "" {
			return ""
		}
		if best == "nothing was scraped" || strings.Count(d, "\n") < strings.Count(best, "\n") {
			best = d
		}
	}
	return best
}

// TestMetricstore runs the example of metrics. A scrape of each input has landed
// as Prometheus' parser reads it: the application's as it was sent, those of the others as
// Fluent Bit's own exporter prints them.
func TestMetricstore(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		io.WriteString(w, exposition)
	}))
	defer app.Close()
	_, appPort, _ := net.SplitHostPort(app.Listener.Addr().String())
	ports, more := map[string]int{}, ""
	for _, tag := range []string{"node", "agent", "app"} {
		ports[tag] = freePort(t)
		more += fmt.Sprintf("[OUTPUT]\n    Name prometheus_exporter\n    Match metrics.%s\n    Host 127.0.0.1\n    Port %d\n", tag, ports[tag])
	}
	x := startExample(t, "records.md", "prometheus_scrape", []string{"fleet-metrics"},
		[]string{"Port            9090", "Port " + appPort, "Scrape_Interval 30s", "Scrape_Interval 2s", "Scrape_Interval 30\n", "Scrape_Interval 3\n"}, more)
	exported := func(tag string) series {
		r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[tag]))
		if err != nil {
			return nil
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			return nil
		}
		return parsed(t, string(text))
	}
	sent := parsed(t, exposition)
	if len(sent) != 21 {
		t.Fatalf("%d series in the exposition", len(sent))
	}
	for tag, least := range map[string]int{"app": 21, "node": 200, "agent": 50} {
		count := 0
		eventually(t, func() string {
			want := sent
			if tag != "app" {
				want = exported(tag)
			}
			if len(want) < least {
				return fmt.Sprintf("%s: %d series are exported", tag, len(want))
			}
			count = len(want)
			return closest(x.stored(t, "fleet-metrics"), want)
		})
		t.Logf("%s: %d series are equal", tag, count)
	}
	x.stop(t)
}
