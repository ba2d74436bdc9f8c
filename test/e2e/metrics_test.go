package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"out_sls_kafka/plugin"
	"out_sls_kafka/test/sls"
)

// eachFluentBit runs a test on every Fluent Bit there is, for what the bundled host does
// not have: metrics, and inputs.
func eachFluentBit(t *testing.T, test func(t *testing.T, h host)) {
	if len(binaries.fluents) == 0 {
		t.Skip("no fluent-bit on PATH and FLUENT_BIT not set: what only Fluent Bit has is not tested")
	}
	for _, f := range binaries.fluents {
		t.Run(f.version, func(t *testing.T) { test(t, host{name: f.version, path: f.path}) })
	}
}

// eachFluentBitWithMetrics runs a test on every Fluent Bit that has time series of its
// outputs: 2.0 or later. In others the log takes their place.
func eachFluentBitWithMetrics(t *testing.T, test func(t *testing.T, h host)) {
	eachFluentBit(t, func(t *testing.T, h host) {
		if strings.Contains(h.name, "v1.") {
			t.Skipf("%s is older than 2.0: a plugin cannot add to its metrics", h.name)
		}
		test(t, h)
	})
}

// scraper reads the metrics of a Fluent Bit that serves them.
type scraper struct {
	t       *testing.T
	port    int
	service string // what its configuration needs for that
}

func newScraper(t *testing.T) *scraper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	return &scraper{t, port, fmt.Sprintf("    HTTP_Server on\n    HTTP_Listen 127.0.0.1\n    HTTP_Port %d\n", port)}
}

// scrape returns the value of every time series by its text, such as up{name="a"}.
func (s *scraper) scrape() (map[string]float64, error) {
	client := http.Client{Timeout: 5 * time.Second}
	r, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/api/v2/metrics/prometheus", s.port))
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	values := make(map[string]float64)
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		line := lines.Text()
		series, value, ok := strings.Cut(line, " ")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		if values[series], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
	}
	return values, lines.Err()
}

// await scrapes until a series of the plugin's metrics is as it should be; Fluent Bit renews them once a second.
func (s *scraper) await(series string, ok func(float64) bool) map[string]float64 {
	s.t.Helper()
	return s.awaitFor(30*time.Second, series, ok)
}

func (s *scraper) awaitFor(limit time.Duration, series string, ok func(float64) bool) map[string]float64 {
	s.t.Helper()
	return s.awaitSeries(limit, "fluentbit_sls_kafka_"+series, ok)
}

// awaitSeries is [scraper.awaitFor] of any series of Fluent Bit.
func (s *scraper) awaitSeries(limit time.Duration, series string, ok func(float64) bool) map[string]float64 {
	s.t.Helper()
	var values map[string]float64
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		values, err = s.scrape()
		if v, found := values[series]; found && ok(v) {
			return values
		}
	}
	s.t.Fatalf("%s did not come to what it should be, last %v (error %v)", series, values[series], err)
	return nil
}

func is(want float64) func(float64) bool { return func(v float64) bool { return v == want } }

func atLeast(want float64) func(float64) bool { return func(v float64) bool { return v >= want } }

// wantSeries fails unless each output has every time series of the table, and there are no others of the plugin.
func wantSeries(t *testing.T, values map[string]float64, outputs ...string) {
	t.Helper()
	prefix := plugin.MetricsNamespace + "_" + plugin.MetricsSubsystem + "_"
	left := make(map[string]bool)
	for series := range values {
		if strings.HasPrefix(series, prefix) {
			left[series] = true
		}
	}
	for _, output := range outputs {
		for _, m := range plugin.Metrics("dev") {
			series := fmt.Sprintf("%s%s{name=%q}", prefix, m.Name, output)
			if m.Label != "" {
				series = fmt.Sprintf("%s%s{name=%q,%s=%q}", prefix, m.Name, output, m.Label, m.LabelValue)
			}
			if !left[series] {
				t.Errorf("%s is not there", series)
			}
			delete(left, series)
		}
	}
	if len(left) > 0 {
		t.Errorf("there are series that the table does not have: %v", left)
	}
}

func TestMetricsAfterRecords(t *testing.T) {
	t.Parallel()
	const n = 1000
	eachFluentBitWithMetrics(t, func(t *testing.T, h host) {
		s := newScraper(t)
		e := startEndpoint(t, sls.Options{Logstores: []string{"demo", "plain"}})
		first := outputSection(t, e, "    max_message_bytes 2K")
		second := strings.Replace(outputSection(t, e, "    Alias other\n    format raw"), "logstore          demo", "logstore          plain", 1)
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, s.service, "", first, second) })
		feed(t, j.input, 0, n)
		for range 3 {
			fmt.Fprintf(j.input, "@1425211200.000 %s\n", strings.Repeat("x", 3000))
		}
		waitLogstore(t, e, "demo", n)
		waitLogstore(t, e, "plain", n+3)
		s.await(`records_rejected_total{name="sls_kafka.0",reason="too_large"}`, is(3))
		s.await(`records_acknowledged_total{name="sls_kafka.0"}`, is(n))
		values := s.await(`records_acknowledged_total{name="other"}`, is(n+3))
		wantSeries(t, values, "sls_kafka.0", "other")
		for series, want := range map[string]float64{
			`bytes_acknowledged_total{name="sls_kafka.0"}`:                   float64(landedBytes(e, "demo")),
			`bytes_acknowledged_total{name="other"}`:                         float64(landedBytes(e, "plain")),
			`records_rejected_total{name="sls_kafka.0",reason="unreadable"}`: 0,
			`records_rejected_total{name="sls_kafka.0",reason="refused"}`:    0,
			`records_rejected_total{name="other",reason="too_large"}`:        0,
			`records_resent_total{name="sls_kafka.0"}`:                       0,
			`buffer_limit_bytes{name="sls_kafka.0"}`:                         32 << 20,
			`waiting_chunks{name="sls_kafka.0"}`:                             0,
			`up{name="sls_kafka.0"}`:                                         1,
			`up{name="other"}`:                                               1,
			`build_info{name="other",version="dev"}`:                         1,
			`errors_total{name="other",kind="network"}`:                      0,
			`throttled_seconds_total{name="other"}`:                          0,
		} {
			if got, ok := values["fluentbit_sls_kafka_"+series]; !ok || got != want {
				t.Errorf("%s is %v (there: %v), want %v", series, got, ok, want)
			}
		}
		for _, series := range []string{"requests_total", "request_seconds_total", "bytes_sent_total"} {
			if v := values["fluentbit_sls_kafka_"+series+`{name="sls_kafka.0"}`]; v <= 0 {
				t.Errorf("%s is %v after records were sent", series, v)
			}
		}
		s.await(`inflight_chunks{name="sls_kafka.0"}`, is(0))
		s.await(`inflight_bytes{name="sls_kafka.0"}`, is(0))
		s.await(`last_acknowledged_seconds{name="sls_kafka.0"}`, atLeast(1)) // though nothing is flushed any more
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// landedBytes is the size of all records in a logstore.
func landedBytes(e *sls.Endpoint, logstore string) (n int) {
	for _, l := range e.Logs(logstore) {
		n += len(l.Value)
	}
	return n
}

func TestMetricsOfAnOutage(t *testing.T) {
	t.Parallel()
	eachFluentBitWithMetrics(t, func(t *testing.T, h host) {
		s := newScraper(t)
		e := startEndpoint(t, sls.Options{})
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, s.service, "", outputSection(t, e, "")) })
		feed(t, j.input, 0, 100)
		s.await(`records_acknowledged_total{name="sls_kafka.0"}`, is(100))
		e.Close()
		feed(t, j.input, 100, 200)
		s.await(`up{name="sls_kafka.0"}`, is(0))
		s.await(`errors_total{name="sls_kafka.0",kind="network"}`, atLeast(1))
		s.await(`inflight_chunks{name="sls_kafka.0"}`, atLeast(1))
		s.await(`inflight_bytes{name="sls_kafka.0"}`, atLeast(100))
		age := s.await(`last_acknowledged_seconds{name="sls_kafka.0"}`, atLeast(2))[`fluentbit_sls_kafka_last_acknowledged_seconds{name="sls_kafka.0"}`]
		s.await(`last_acknowledged_seconds{name="sls_kafka.0"}`, atLeast(age+2))

		back := startEndpoint(t, sls.Options{Listen: e.Addr(), CA: e.CA()})
		waitCount(t, back, 100)
		s.await(`up{name="sls_kafka.0"}`, is(1))
		s.await(`records_acknowledged_total{name="sls_kafka.0"}`, is(200))
		s.await(`records_resent_total{name="sls_kafka.0"}`, atLeast(1))
		s.await(`inflight_bytes{name="sls_kafka.0"}`, is(0))
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// What an operator sees of the spool: what was put in it in an outage is delivered after it, and no file is left.
func TestMetricsOfASpool(t *testing.T) {
	t.Parallel()
	eachFluentBitWithMetrics(t, func(t *testing.T, h host) {
		s := newScraper(t)
		e := startEndpoint(t, sls.Options{})
		section := outputSection(t, e, fmt.Sprintf("    spool_path %s/spool\n    spool_limit 64M\n    max_held_chunks 2", t.TempDir()))
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, s.service, "", section) })
		feed(t, j.input, 0, 100)
		values := s.await(`records_acknowledged_total{name="sls_kafka.0"}`, is(100))
		for series, want := range map[string]float64{"spool_bytes": 0, "spool_limit_bytes": 64 << 20, "spool_chunks": 0, "spool_written_chunks_total": 0} {
			if got, ok := values["fluentbit_sls_kafka_"+series+`{name="sls_kafka.0"}`]; !ok || got != want {
				t.Errorf("before the outage %s is %v (there: %v), want %v", series, got, ok, want)
			}
		}
		if err := e.SetFault(sls.Fault{Name: sls.ConnectionCut}); err != nil {
			t.Fatal(err)
		}
		fed := feedFor(t, j, 100, 6*time.Second)
		s.await(`spool_chunks{name="sls_kafka.0"}`, atLeast(1))
		s.await(`spool_written_chunks_total{name="sls_kafka.0"}`, atLeast(1))
		s.await(`spool_bytes{name="sls_kafka.0"}`, atLeast(100))
		s.await(`inflight_chunks{name="sls_kafka.0"}`, atLeast(1))

		e.ClearFault(sls.ConnectionCut)
		s.awaitFor(time.Minute, `records_acknowledged_total{name="sls_kafka.0"}`, is(float64(fed)))
		s.await(`spool_bytes{name="sls_kafka.0"}`, is(0))
		values = s.await(`spool_chunks{name="sls_kafka.0"}`, is(0))
		written := values[`fluentbit_sls_kafka_spool_written_chunks_total{name="sls_kafka.0"}`]
		t.Logf("%v chunks were written", written)
		if written < 1 {
			t.Errorf("%v chunks were written to the spool", written)
		}
		values = s.await(`spool_delivered_chunks_total{name="sls_kafka.0"}`, is(written)) // it is read before spool_chunks
		if damaged := values[`fluentbit_sls_kafka_spool_damaged_total{name="sls_kafka.0"}`]; damaged != 0 {
			t.Errorf("%v places of the spool are damaged", damaged)
		}
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// Reloads free the metrics of the old outputs and make new ones, while the
// outputs are at work and someone scrapes all the time.
func TestMetricsOverHotReloads(t *testing.T) {
	t.Parallel()
	const reloads = 5
	eachFluentBitWithMetrics(t, func(t *testing.T, h host) {
		s := newScraper(t)
		e := startEndpoint(t, sls.Options{})
		e.DelayAcks(lateAcks)
		db := filepath.Join(t.TempDir(), "tail.db")
		j := h.startJob(t, func(file string) string {
			return tailConfig(t, file, "    Hot_Reload on\n"+s.service, "    DB "+db, outputSection(t, e, ""))
		})
		j.await(hasStarted, 1, 20*time.Second)
		var scraping sync.WaitGroup
		stop := make(chan struct{})
		scraped := 0
		scraping.Go(func() {
			often := time.NewTicker(10 * time.Millisecond)
			defer often.Stop()
			for {
				select {
				case <-stop:
					return
				case <-often.C:
					if _, err := s.scrape(); err == nil { // in the middle of a reload no server answers
						scraped++
					}
				}
			}
		})
		fed := 0
		for i := range reloads {
			for range 5 {
				feed(t, j.input, fed, fed+1000)
				fed += 1000
			}
			fed = j.reloadUnderLoad(h, e, fed)
			j.await(hasStarted, i+2, 30*time.Second)
			s.await(`up{name="sls_kafka.0"}`, is(1))
		}
		feed(t, j.input, fed, fed+500)
		fed += 500
		if l := awaitLines(t, e, fed, time.Minute); l.unique != fed {
			t.Errorf("of %d lines: %v", fed, l)
		}
		s.await(`records_acknowledged_total{name="sls_kafka.0"}`, atLeast(500))
		close(stop)
		scraping.Wait()
		t.Logf("%d scrapes over %d reloads", scraped, reloads)
		if scraped < reloads {
			t.Errorf("%d scrapes over %d reloads", scraped, reloads)
		}
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// A host without metrics, as the bundled one is, has a line in the log instead,
// a minute after the start at the earliest.
func TestMetricsInTheLogOfAHostWithout(t *testing.T) {
	t.Parallel()
	const n = 100
	e := startEndpoint(t, sls.Options{})
	j := bundled(t).startJob(t, func(file string) string {
		return tailConfig(t, file, "", "", outputSection(t, e, "    max_message_bytes 2K"))
	})
	feed(t, j.input, 0, n)
	fmt.Fprintf(j.input, "@1425211200.000 %s\n", strings.Repeat("x", 3000))
	waitCount(t, e, n)
	j.await(fmt.Sprintf("delivery works; records acknowledged: %d (%d bytes), sent again: 0, rejected: too_large 1, unreadable 0, refused 0, unknown_logstore 0;", n, landedBytes(e, "demo")),
		1, 2*time.Minute)
	if code := j.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
