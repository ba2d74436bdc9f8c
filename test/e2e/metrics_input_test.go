package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// TestRegistration: a host is told that the output takes metrics only where it
// is known to have a place for that. The bundled host guards the bytes behind
// its registration struct.
func TestRegistration(t *testing.T) {
	for name, tt := range map[string]struct {
		defines []string
		want    string
		code    int
	}{
		"up to 4.2.2":    {[]string{"-DHOST_VERSION=40202"}, "", 0},
		"4.2.3 to 4.2.8": {[]string{"-DHOST_VERSION=40203"}, "[proxy] event_type 0", 0},
		"5.0 and later":  {nil, "[proxy] event_type 7", 0},
		// A host that says it is new and is not: what the guard is for.
		"a lie": {[]string{"-DHOST_DEF_OLD"}, "FLBPluginRegister wrote byte 32 of a registration struct of 32 bytes", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := bundled(t, tt.defines...).run(t, "-e", binaries.plugin, "--dry-run")
			if code := p.wait(30 * time.Second); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if out := p.out.String(); !strings.Contains(out, tt.want) || tt.code == 0 && strings.Contains(out, "wrote byte") {
				t.Errorf("the output does not hold %q:\n%s", tt.want, out)
			}
		})
	}
}

// eachFluentBitOfMetrics runs a test on every Fluent Bit that gives metrics to this output: 5.0 or later.
func eachFluentBitOfMetrics(t *testing.T, test func(t *testing.T, h host)) {
	eachFluentBit(t, func(t *testing.T, h host) {
		version := regexp.MustCompile(`v(\d+)\.`).FindStringSubmatch(h.name)
		if version == nil {
			t.Fatalf("no version in %q", h.name)
		}
		if major, _ := strconv.Atoi(version[1]); major < 5 {
			t.Skipf("%s is older than 5.0: it gives no metrics to outputs written in Go", h.name)
		}
		test(t, h)
	})
}

// TestMetricsInput: each sample of Fluent Bit's metrics lands once, as Fluent
// Bit's own output file prints it, and logs of the same output land as ever.
func TestMetricsInput(t *testing.T) {
	t.Parallel()
	const lines = 5000
	eachFluentBitOfMetrics(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{Logstores: append([]string{"demo"}, metricLogstores...)})
		file := filepath.Join(t.TempDir(), "metrics.txt")
		more := fmt.Sprintf(`[INPUT]
    Name            fluentbit_metrics
    Tag             test.metrics
    Scrape_Interval 2
[INPUT]
    Name            node_exporter_metrics
    Tag             test.node
    Scrape_Interval 1
    metrics         loadavg,meminfo
[OUTPUT]
    Name  file
    Match test.metrics
    Path  %s
    File  %s
`, filepath.Dir(file), filepath.Base(file))
		j := h.startJob(t, func(log string) string {
			// a metric's type names its logstore, which tells it from the logs
			return tailConfig(t, log, "", "", outputSection(t, e, "    logstore_key type"), more)
		})
		feed(t, j.input, 0, lines/2)
		awaitScrapes(t, e, 3)
		feed(t, j.input, lines/2, lines)
		wantAll(t, awaitLines(t, e, lines, time.Minute), lines)
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		compareMetrics(t, e, file)
		if n := strings.Count(metricTexts(t, e), "node_load1 "); n < 3 {
			t.Errorf("node_exporter_metrics: %d samples of node_load1", n)
		}
		if out := j.out.String(); strings.Contains(out, "[error]") || !strings.Contains(out, "acknowledged, 0 rejected, 0 sent again") {
			t.Error("something is wrong in the log")
		}
	})
}

var metricLogstores = []string{"counter", "gauge", "histogram"}

// metricLogs are the samples that landed.
func metricLogs(e *sls.Endpoint) (logs []sls.Log) {
	for _, name := range metricLogstores {
		logs = append(logs, e.Logs(name)...)
	}
	return logs
}

// awaitScrapes waits until n scrapes of Fluent Bit's metrics have landed.
func awaitScrapes(t *testing.T, e *sls.Endpoint, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if strings.Count(metricTexts(t, e), " fluentbit_uptime{") >= n {
			return
		}
	}
	t.Fatalf("fewer than %d scrapes after a minute", n)
}

func metricTexts(t *testing.T, e *sls.Endpoint) string {
	t.Helper()
	var all strings.Builder
	for _, log := range metricLogs(e) {
		all.WriteString(metricText(t, log.Value) + "\n")
	}
	return all.String()
}

// compareMetrics compares what landed with what Fluent Bit printed, scrape by
// scrape: all samples of one landed with the same time. Where several scrapes
// are in one chunk Fluent Bit prints the first alone, so those that it did not
// print count for nothing.
func compareMetrics(t *testing.T, e *sls.Endpoint, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]int{}
	for line := range strings.Lines(string(text)) {
		printed[strings.TrimSpace(line)]++
	}
	scrapes := map[time.Time][]string{}
	for _, log := range metricLogs(e) {
		if text := metricText(t, log.Value); !strings.Contains(text, " node_") { // not printed
			scrapes[log.Time] = append(scrapes[log.Time], text)
		}
	}
	landed, compared := map[string]int{}, 0
	for _, samples := range scrapes {
		uptime := slices.IndexFunc(samples, func(s string) bool { return strings.Contains(s, " fluentbit_uptime{") })
		if uptime < 0 || printed[samples[uptime]] == 0 {
			continue
		}
		compared++
		for _, s := range samples {
			landed[s]++
		}
	}
	t.Logf("%d scrapes, %d different samples", compared, len(landed))
	if compared < 2 || len(landed) < 50 {
		t.Errorf("%d scrapes with %d different samples: too few to compare", compared, len(landed))
	}
	if !maps.Equal(landed, printed) {
		for s, n := range printed {
			if landed[s] != n {
				t.Errorf("landed %d times, printed %d times: %s", landed[s], n, s)
			}
		}
		for s, n := range landed {
			if printed[s] == 0 {
				t.Errorf("landed %d times, never printed: %s", n, s)
			}
		}
	}
}

// metricText is a record as Fluent Bit prints the sample (lib/cmetrics/src/cmt_encode_text.c).
func metricText(t *testing.T, record []byte) string {
	t.Helper()
	var r struct {
		Time, Name, Type string
		Labels, Buckets  pairs
		Value, Sum       *float64
		Count            *uint64
	}
	if err := json.Unmarshal(record, &r); err != nil {
		t.Fatalf("record %s: %v", record, err)
	}
	if r.Time == "" {
		r.Time = "1970-01-01T00:00:00.000000000Z" // it never changed
	}
	text := r.Time + " " + r.Name
	if len(r.Labels) > 0 {
		text += "{" + strings.Join(r.Labels, ",") + "}"
	}
	switch {
	case r.Type != "histogram" && r.Value != nil:
		return text + fmt.Sprintf(" = %.17g", *r.Value)
	case r.Type == "histogram" && r.Sum != nil && r.Count != nil:
		return text + fmt.Sprintf(" = { buckets = { %s }, sum=%.6g, count=%d }", strings.Join(r.Buckets, ", "), *r.Sum, *r.Count)
	}
	t.Fatalf("record %s lacks its value", record)
	return ""
}

// pairs are the entries of an object as key=value, in their order.
type pairs []string

func (p *pairs) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		*p = append(*p, fmt.Sprintf("%s=%s", key, value))
	}
	return nil
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
