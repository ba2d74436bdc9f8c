package plugin

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

// memorySink keeps the metrics in a map, by name and value of the label.
type memorySink struct {
	t    *testing.T
	none bool // it has no place for metrics

	mu     sync.Mutex
	table  []Metric
	values map[string]float64
	closed bool
}

func (m *memorySink) Create(table []Metric) bool {
	m.table = table
	return !m.none
}

func (m *memorySink) Set(_ time.Time, values []float64) {
	if !m.mu.TryLock() {
		m.t.Error("Set twice at a time")
		return
	}
	defer m.mu.Unlock()
	if m.closed || m.none {
		m.t.Error("Set after Close, or where there are no metrics")
	}
	m.values = make(map[string]float64)
	for i, v := range values {
		m.values[strings.TrimSuffix(m.table[i].Name+" "+m.table[i].LabelValue, " ")] = v
	}
}

func (m *memorySink) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// want compares some of the values.
func (m *memorySink) want(want map[string]float64) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, v := range want {
		if got, ok := m.values[name]; !ok || got != v {
			m.t.Errorf("%s is %v, want %v; all: %v", name, got, v, m.values)
		}
	}
}

// value is one of the values.
func (m *memorySink) value(name string) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[name]
}

func (n testNetwork) startMetered(t *testing.T, properties map[string]string) (*Output, *memorySink) {
	t.Helper()
	return n.startMeteredIn(t, properties, Env{})
}

// startMeteredIn is startMetered with more of what surrounds the output.
func (n testNetwork) startMeteredIn(t *testing.T, properties map[string]string, env Env) (*Output, *memorySink) {
	t.Helper()
	m := &memorySink{t: t}
	log := NewLog(&memoryLogger{t: t}, "test")
	env.Log, env.Metrics, env.Version = log, m, "1.2.3"
	o, err := New(n.parse(t, properties), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.Close()
		log.Drain()
	})
	return o, m
}

func TestMetricsTable(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := make(map[string]bool)
	series := Metrics("1.2.3")
	for i, m := range series {
		if !valid.MatchString(m.Name) || m.Help == "" || m.value == nil {
			t.Errorf("%+v: the name must be of words in lower case; help and value must be there", m)
		}
		if m.Gauge == strings.HasSuffix(m.Name, "_total") {
			t.Errorf("%s: counters end in _total, and gauges do not", m.Name)
		}
		if key := m.Name + " " + m.LabelValue; seen[key] {
			t.Errorf("%s is there twice", key)
		} else {
			seen[key] = true
		}
		if i > 0 && series[i-1].Name != m.Name && seen[m.Name] {
			t.Errorf("the series of %s do not stand side by side", m.Name)
		}
		seen[m.Name] = true
	}
}

// An alert compares spool_bytes with the limit, so it must be there before anything is stored.
func TestMetricOfTheSpoolsLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		properties["spool_limit"] = "2G"
		_, m := network.startMeteredIn(t, properties, Env{Spool: simdisk.New()})
		time.Sleep(2 * time.Second)
		m.want(map[string]float64{"spool_limit_bytes": 2 << 30, "spool_bytes": 0})
	})
}

// Chunks of the spool take part of buffer_limit as those of Fluent Bit do: while some are on their way the alert that
// nothing is acknowledged needs to see them, however many others wait for room.
func TestMetricsCountChunksOfTheSpool(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["buffer_limit"] = "1M"
		o, m := network.startMeteredIn(t, properties, Env{Spool: simdisk.New()})
		f := newFlushes(t, o)
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		for range 60 {
			for range 5 {
				f.give("any", events(0, 10, strings.Repeat("x", 2500)))
			}
			time.Sleep(time.Second)
		}
		spooled, inFlight, waiting := m.value("spool_chunks"), m.value("inflight_chunks"), m.value("waiting_chunks")
		if used := m.value("inflight_bytes"); used < 900_000 || spooled < 250 || waiting < 200 {
			t.Fatalf("%v bytes are in flight, %v chunks in the spool, %v wait: this is not the case that it tests", used, spooled, waiting)
		}
		if inFlight < 10 || inFlight+waiting < 300-5 || inFlight+waiting > 300 { // the numbers may be a second old
			t.Errorf("%v chunks are in flight and %v wait, of 300; %v are in the spool", inFlight, waiting, spooled)
		}
		e.ClearFault(sls.ConnectionCut)
		f.wg.Wait()
		eventually(t, "the spool is empty", func() bool { return o.idle() })
	})
}

func TestMetricsOfADelivery(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["max_message_bytes"] = "1K"
		o, m := network.startMetered(t, properties)
		m.want(map[string]float64{"up": 1, "records_acknowledged_total": 0, "buffer_limit_bytes": 32 << 20, "spool_limit_bytes": 0, "build_info 1.2.3": 1})

		e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: -1, When: poisoned})
		chunk := append(events(0, 7, "hello"), events(7, 2, strings.Repeat("x", 2000))...)
		chunk = append(chunk, events(9, 1, poison)...)
		chunk = append(chunk, 0x01) // an event it is not
		done := make(chan Result, 1)
		go func() { done <- deliver(t, o, chunk) }()
		fresh := 0 // that these are taken shows whose fault it is that one is not
		for waits := true; waits; {
			select {
			case r := <-done:
				waits = false
				if r != OK {
					t.Errorf("result %v", r)
				}
			case <-time.After(20 * time.Millisecond):
				fresh++
				if r := deliver(t, o, events(0, 1, "hello")); r != OK {
					t.Errorf("result %v", r)
				}
			}
		}
		synctest.Wait() // a chunk counts as in flight for a moment after its flush was woken
		o.metrics.tick(time.Now())
		m.want(map[string]float64{
			"records_acknowledged_total":        float64(7 + fresh),
			"bytes_acknowledged_total":          float64((7 + fresh) * len(`{"seq":0,"log":"hello"}`)),
			"records_rejected_total too_large":  2,
			"records_rejected_total refused":    1,
			"records_rejected_total unreadable": 1,
			"inflight_bytes":                    0,
			"inflight_chunks":                   0,
			"waiting_chunks":                    0,
		})
		if m.value("records_resent_total") == 0 {
			t.Error("the refused batch was split and nothing counts as sent again")
		}
		if age := m.value("last_acknowledged_seconds"); age > testTimeout.Seconds() {
			t.Errorf("last acknowledgement %v s ago", age)
		}
	})
}

// Each failure is one of its kind, and of no other.
func TestMetricsOfErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  *kerr.Error
		kind string
	}{
		{kerr.KafkaStorageError, "service"},
		{kerr.ThrottlingQuotaExceeded, "quota"},
		{kerr.TopicAuthorizationFailed, "access"},
		{kerr.MessageTooLarge, "size"},
	} {
		t.Run(row.kind, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			o, m := network.startMetered(t, properties)
			e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: row.err, Count: 2})
			if r := deliver(t, o, events(0, 8, "hello")); r != OK {
				t.Errorf("result %v", r)
			}
			o.metrics.tick(time.Now())
			for _, kind := range failure.AllKinds() {
				want := 0.0
				if kind.String() == row.kind {
					want = 2
				}
				m.want(map[string]float64{"errors_total " + kind.String(): want})
			}
		}))
	}
}

// The failures of single logstores count too.
func TestMetricsOfALogstoresErrors(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["logstore_key"] = "ns"
		o, m := network.startMetered(t, properties)
		done := make(chan Result, 1)
		go func() { done <- deliver(t, o, routedEvents(8, "hello", func(int) string { return "later" })) }()
		time.Sleep(2 * time.Second)
		m.want(map[string]float64{"errors_total network": 0, "logstores_in_trouble": 1})
		if m.value("errors_total not_found") == 0 {
			t.Error("a logstore does not exist, and no error says so")
		}
		if err := e.CreateLogstore("later"); err != nil {
			t.Fatal(err)
		}
		if r := <-done; r != OK {
			t.Errorf("result %v", r)
		}
	})
}

// Chunks in flight and chunks that wait for room are counted separately.
func TestMetricsOfWhatIsInFlight(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["buffer_limit"] = "1M"
		e.DelayAcks(time.Hour)
		o, m := network.startMetered(t, properties)
		chunk := events(0, 50, strings.Repeat("x", 8000))
		for range 5 {
			o.Submit("test", chunk, make(channelWaker, 1), false).Advance(chunk)
		}
		used, waiting := o.admission.load()
		if used == 0 || waiting == 0 || waiting == 5 {
			t.Fatalf("%d bytes in flight, %d chunks waiting: the test is about both", used, waiting)
		}
		o.metrics.tick(time.Now())
		m.want(map[string]float64{"inflight_bytes": float64(used), "inflight_chunks": float64(5 - waiting), "waiting_chunks": float64(waiting), "buffer_limit_bytes": 1 << 20})
		e.DelayAcks(0)
	})
}

func TestMetricsOfAnOutage(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	o.health.probe.running = true // no broker can be asked
	m := &memorySink{t: t}
	start := time.Now()
	o.metrics.open(o, m, "", start)
	o.metrics.tick(start.Add(3 * time.Second))
	m.want(map[string]float64{"up": 1, "last_acknowledged_seconds": 3}) // since the start

	o.health.setLastAck(start.Add(10 * time.Second))
	o.health.failed("demo", errors.New("connection refused"))
	o.metrics.tick(start.Add(14 * time.Second))
	m.want(map[string]float64{"up": 0, "last_acknowledged_seconds": 4, "errors_total network": 1})
	o.metrics.tick(start.Add(9 * time.Second)) // the clock was set back
	m.want(map[string]float64{"last_acknowledged_seconds": 0})

	o.health.setLastAck(o.health.lastFailure.Add(time.Millisecond))
	o.health.tick(o.health.lastFailure.Add(recoveryWindow))
	o.metrics.tick(o.health.lastFailure.Add(time.Second))
	m.want(map[string]float64{"up": 1})
	wantLines(t, lines(), "connection refused", "delivery works again")
}

// A host without metrics, given or not, gets a line a minute while something changes.
func TestMetricsInTheLog(t *testing.T) {
	t.Parallel()
	for _, m := range []MetricSink{nil, &memorySink{t: t, none: true}} {
		t.Run(fmt.Sprintf("%T", m), func(t *testing.T) {
			t.Parallel()
			o, lines := bareOutput(t)
			o.cfg.BufferLimit = 1 << 20
			start := time.Now()
			o.metrics.open(o, m, "", start)
			second := 0
			run := func(to int) { // seconds after the start
				for ; second <= to; second++ {
					o.metrics.tick(start.Add(time.Duration(second) * time.Second))
				}
			}
			run(200)
			wantLines(t, lines()) // idle
			o.stats.addAcked(120, 34567)
			o.stats.retried.Add(3)
			o.stats.rejected.add(failure.Size, false, 1)
			o.stats.rejected.add(failure.Record, true, 1)
			o.stats.rejected.add(failure.Record, false, 1)
			o.health.setLastAck(start.Add(238 * time.Second))
			run(239)
			wantLines(t, lines())
			run(240)
			wantLines(t, lines(), "delivery works; records acknowledged: 120 (34567 bytes), sent again: 3, rejected: too_large 1, unreadable 1, refused 1, unknown_logstore 0; "+
				"in flight: 0 chunks, 0 of 1048576 bytes; chunks waiting for room: 0; last acknowledgement 2s ago")
			run(600)
			wantLines(t, lines()) // only time went by
			o.health.mu.Lock()
			o.health.current = failure.Network
			o.health.mu.Unlock()
			run(700)
			wantLines(t, lines(), "delivery is in trouble; ")
			o.metrics.close()
			o.stats.addAcked(1, 1)
			run(800)
			wantLines(t, lines())
		})
	}
}

// Fluent Bit frees its metrics after the exit of an output, whose watch may
// still be at work then.
func TestNoSetAfterClose(t *testing.T) {
	t.Parallel()
	o, _ := bareOutput(t)
	m := &memorySink{t: t}
	o.metrics.open(o, m, "", time.Now())
	var watch sync.WaitGroup
	began, stop := make(chan struct{}), make(chan struct{})
	watch.Go(func() {
		for first := true; ; first = false {
			o.metrics.tick(time.Now())
			if first {
				close(began)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-began
	o.metrics.close()
	m.mu.Lock()
	closed, values := m.closed, maps.Clone(m.values)
	m.mu.Unlock()
	o.metrics.tick(time.Now())
	close(stop)
	watch.Wait()
	o.metrics.close() // a second time does nothing
	if !closed || !maps.Equal(values, m.values) {
		t.Errorf("closed %v; values before %v, after %v", closed, values, m.values)
	}
}

// The end of an output closes its meter.
func TestCloseClosesMetrics(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		o, m := network.startMetered(t, properties)
		o.Close()
		if !m.closed {
			t.Error("the meter is still open")
		}
	})
}
