package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// TestTracesInput: one output delivers logs, metrics and spans, each to its logstore. One
// without logstore_traces drops traces, says so once, and delivers the rest.
func TestTracesInput(t *testing.T) {
	t.Parallel()
	eachFluentBitOfMetrics(t, func(t *testing.T, h host) {
		t.Run("wanted", func(t *testing.T) {
			t.Parallel()
			const spans = 3
			e, out := tracesJob(t, h, "    logstore_metrics metrics\n    logstore_traces traces", spans)
			waitLogstore(t, e, "traces", spans)
			waitLogstore(t, e, "metrics", 1)
			if out := out(); strings.Contains(out, "are dropped") || !strings.Contains(out, "acknowledged, 0 rejected, 0 sent again") {
				t.Error("something is wrong in the log")
			}
			want := `"name":"span","kind":"internal","traceID":"5b8efff798038103d269b633813fc60c","spanID":"eee19b7ec3c1b174"`
			logs := e.Logs("traces")
			if len(logs) != spans || !strings.Contains(string(logs[0].Value), want) || logs[0].Time.Unix() != 1_700_000_001 {
				t.Errorf("%d spans, want %d; the first: %v", len(logs), spans, logs)
			}
			if n := e.Count("metrics"); n != 1 {
				t.Errorf("%d metrics", n)
			}
		})
		t.Run("unwanted", func(t *testing.T) {
			t.Parallel()
			e, out := tracesJob(t, h, "    logstore_metrics metrics", 3)
			waitLogstore(t, e, "metrics", 1)
			if out := out(); strings.Count(out, `traces of tag "v1_traces" are dropped, because logstore_traces is not set`) != 1 || strings.Contains(out, "[error]") {
				t.Error("something is wrong in the log")
			}
			if n := e.Count("traces"); n != 0 {
				t.Errorf("%d spans", n)
			}
		})
	})
}

// tracesJob runs Fluent Bit with a file, a metric, and requests of a span each. All of
// the file has landed, and nothing else with it. out stops Fluent Bit and returns its
// output.
func tracesJob(t *testing.T, h host, options string, spans int) (e *sls.Endpoint, out func() string) {
	t.Helper()
	const lines = 100
	e = startEndpoint(t, sls.Options{Logstores: []string{"demo", "metrics", "traces"}})
	port := freePort(t)
	otlp := fmt.Sprintf("[INPUT]\n    Name opentelemetry\n    Tag test.otlp\n    Tag_From_Uri off\n    Listen 127.0.0.1\n    Port %d\n", port)
	if !strings.Contains(options, "traces") {
		otlp = strings.Replace(otlp, "    Tag test.otlp\n    Tag_From_Uri off\n", "", 1)
	}
	j := h.startJob(t, func(log string) string {
		section := strings.Replace(outputSection(t, e, options), "test*", "*", 1)
		return tailConfig(t, log, "", "", section, otlp)
	})
	post := func(kind, body string) {
		url := fmt.Sprintf("http://127.0.0.1:%d/v1/%s", port, kind)
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			r, err := http.Post(url, "application/json", strings.NewReader(body))
			if err == nil {
				r.Body.Close()
				if r.StatusCode/100 != 2 {
					t.Fatalf("%s: %s", url, r.Status)
				}
				return
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	for range spans {
		post("traces", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
		"name":"span","kind":1,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000"}]}]}]}`)
	}
	post("metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"depth","gauge":{"dataPoints":[
		{"asDouble":1.5,"timeUnixNano":"1700000060000000000"}]}}]}]}]}`)
	feed(t, j.input, 0, lines)
	wantAll(t, awaitLines(t, e, lines, time.Minute), lines)
	if n := e.Count("demo"); n != lines {
		t.Errorf("%d records in the logstore of logs, want the %d lines", n, lines)
	}
	return e, func() string {
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		return j.out.String()
	}
}
