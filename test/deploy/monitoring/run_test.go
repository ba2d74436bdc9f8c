package monitoring

import (
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"

	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

var record = flag.Bool("record", false, "record the outage of testdata/outage.series again, which takes five minutes")

const (
	job      = "fluent-bit"
	instance = "node-1:2020" // stands for the port that the kernel gave
)

// node is a Fluent Bit that sends a file to an endpoint.
type node struct {
	t       *testing.T
	e       *sls.Endpoint
	input   *os.File
	lines   int
	metrics string // their address
}

// fluentBitBinary finds Fluent Bit, or skips the test where there is none.
func fluentBitBinary(t *testing.T) string {
	t.Helper()
	return run.NeedFluentBit(t, "whether it has the metrics that the queries ask for is not tested")
}

func startNode(t *testing.T) *node {
	t.Helper()
	binary, dir := fluentBitBinary(t), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := run.BuildPlugin(in("out_sls_kafka.so")); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, metrics: freeAddress(t)}
	n.open(sls.Options{})
	input, err := os.Create(in("access.log"))
	if err != nil {
		t.Fatal(err)
	}
	n.input = input
	t.Cleanup(func() { input.Close() })
	host, port, _ := net.SplitHostPort(n.metrics)
	config := fmt.Sprintf(`[SERVICE]
    Flush                 0.5
    Grace                 2
    HTTP_Server           on
    HTTP_Listen           %s
    HTTP_Port             %s
    storage.path          %s
    storage.metrics       on
    storage.max_chunks_up 60
[INPUT]
    Name             tail
    Path             %s
    Tag              test
    Read_from_Head   on
    Refresh_Interval 1
    storage.type     filesystem
[OUTPUT]
    Name              sls_kafka
    Match             *
    project           demo-project
    logstore          demo
    endpoint          %s
    access_key_id     demo-id
    access_key_secret demo-secret
    tls_ca_file       %s
    max_message_bytes 2K
    buffer_limit      1M
    dead_letter_file  %s
    spool_path        %s
    spool_limit       16M
    Retry_Limit       no_limits
`, host, port, in("storage"), input.Name(), n.e.Addr(), in("ca.pem"), in("rejected.jsonl"), in("spool"))
	for name, text := range map[string][]byte{"fluent-bit.conf": []byte(config), "ca.pem": n.e.CAPEM()} {
		if err := os.WriteFile(in(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run.StartTest(t, run.Command{Path: binary, Args: []string{"-e", in("out_sls_kafka.so"), "-c", in("fluent-bit.conf")}})
	return n
}

func (n *node) open(o sls.Options) {
	n.t.Helper()
	e, err := sls.Start(o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(e.Close)
	n.e = e
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// feed appends lines to the input, each with more behind it.
func (n *node) feed(lines int, more string) {
	n.t.Helper()
	for range lines {
		n.lines++
		if _, err := fmt.Fprintf(n.input, "n=%d 203.0.113.7 - - \"GET /index.html HTTP/1.1\" 200 5316 \"-\" \"Mozilla/5.0\"%s\n", n.lines, more); err != nil {
			n.t.Fatal(err)
		}
	}
}

// scrape takes in what Fluent Bit answers, as at that time.
func (n *node) scrape(into *samples, at time.Time) error {
	client := http.Client{Timeout: 4 * time.Second}
	r, err := client.Get("http://" + n.metrics + "/api/v2/metrics/prometheus")
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", r.Status)
	}
	return into.scraped(text, at, job, instance)
}

// awaitMetrics scrapes until Fluent Bit has metrics of the plugin: it collects them once a second.
func (n *node) awaitMetrics() *samples {
	n.t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		s := newSamples()
		if err = n.scrape(s, time.Now()); err == nil && len(s.labelsOf("fluentbit_sls_kafka_up")) > 0 {
			return s
		}
	}
	n.t.Fatalf("Fluent Bit has no metrics of the plugin (last error: %v)", err)
	return nil
}

// wantKnown fails unless there are all metrics of the table with their labels, and no others of the plugin.
func wantKnown(t *testing.T, s *samples) {
	t.Helper()
	for name, m := range known() {
		want := slices.Concat(m.labels, targetLabels)
		slices.Sort(want)
		if got := s.labelsOf(name); !slices.Equal(got, want) {
			t.Errorf("%s has labels %v, want %v", name, got, want)
		}
	}
	for _, series := range s.series {
		name := series.Metric.Get(model.MetricNameLabel)
		if _, ok := known()[name]; !ok && strings.Contains(name, "sls_kafka") {
			t.Errorf("%s is in no table", name)
		}
	}
}

func TestFluentBitHasWhatTheQueriesAskFor(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	n.feed(100, "")
	s := n.awaitMetrics()
	wantKnown(t, s)
	for name, m := range known() {
		want := model.MetricTypeGauge
		if m.counter {
			want = model.MetricTypeCounter
		}
		if s.kinds[name] != want {
			t.Errorf("%s is a %s, want a %s", name, s.kinds[name], want)
		}
	}
}

// TestRecord makes the recording: a load that goes up and down, some records too large, an endpoint that is away for a
// minute and a half, and what comes after.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("-record not given: the recording stays as it is")
	}
	const (
		tooLarge = 40 * time.Second
		away     = 80 * time.Second
		back     = 170 * time.Second
		ends     = 285 * time.Second
	)
	n, s := startNode(t), newSamples()
	n.awaitMetrics()
	address, ca := n.e.Addr(), n.e.CA()
	start := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var before, scraped time.Duration
	for now := range tick.C {
		at := now.Sub(start)
		passes := func(moment time.Duration) bool { return before < moment && at >= moment }
		n.feed(40+int(15*math.Sin(at.Seconds()/12)), "")
		switch {
		case passes(tooLarge):
			n.feed(6, strings.Repeat("x", 3000))
		case passes(away):
			n.e.Close()
		case passes(back):
			n.open(sls.Options{Listen: address, CA: ca})
		}
		if at >= scraped {
			if err := n.scrape(s, start.Add(scraped)); err != nil {
				t.Errorf("scrape at %v: %v", at, err)
			}
			scraped += scrapeInterval
		}
		if before = at; at >= ends {
			break
		}
	}
	s.series = slices.DeleteFunc(s.series, func(series promql.Series) bool {
		_, ok := known()[series.Metric.Get(model.MetricNameLabel)]
		return !ok
	})
	wantKnown(t, s)
	version, err := run.Version(fluentBitBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(version), "\n")
	text := fmt.Sprintf("# Scraped from %s every %v. Made by: go test ./monitoring -run TestRecord -record\n%s", first, scrapeInterval, s.save(start, scrapeInterval))
	if err := os.WriteFile(recordingFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
