package plugin

import (
	"sync"
	"time"

	"out_sls_kafka/plugin/failure"
)

// The names of the metrics begin with both, joined by underscores.
const (
	MetricsNamespace = "fluentbit"
	MetricsSubsystem = "sls_kafka"
)

// Metric is one time series of an output.
type Metric struct {
	Name  string // without namespace and subsystem
	Help  string
	Gauge bool // else a counter
	// Label is the name of a label in addition to the output's name; empty: the metric
	// has none. LabelValue is its value.
	Label, LabelValue string

	value func(*snapshot) float64
}

// MetricSink takes the metrics of one output into Fluent Bit's own.
type MetricSink interface {
	// Create makes the metrics, all 0. Those of one name stand side by side. It
	// is called once, on the thread of Init, before any other method. It
	// returns false where the host has no place for them; then no other method
	// is called.
	Create([]Metric) bool
	// Set hands the values over, in the order of Create. It must not block, and
	// may be called on any thread, but never twice at a time.
	Set(at time.Time, values []float64)
	// Close tells that Set is not called any more.
	Close()
}

// Metrics returns the table of all time series of an output of the plugin of that
// version.
func Metrics(version string) []Metric {
	table := []Metric{
		{Name: "records_acknowledged_total", Help: "Records that SLS acknowledged.",
			value: func(s *snapshot) float64 { return float64(s.acknowledged) }},
		{Name: "bytes_acknowledged_total", Help: "Bytes of the acknowledged records as sent, JSON or raw, before compression.",
			value: func(s *snapshot) float64 { return float64(s.acknowledgedBytes) }},
	}
	table = append(table,
		Metric{Name: "bytes_sent_total", Help: "Bytes of the produce requests as sent: after compression and before TLS, also of requests that failed.",
			value: func(s *snapshot) float64 { return float64(s.sentBytes) }},
		Metric{Name: "requests_total", Help: "Produce requests that were answered, whatever the answer.",
			value: func(s *snapshot) float64 { return float64(s.requests) }},
		Metric{Name: "request_seconds_total", Help: "Seconds that these requests took together, from the first byte sent to the last of the answer.",
			value: func(s *snapshot) float64 { return s.requestTime.Seconds() }},
		Metric{Name: "throttled_seconds_total", Help: "Seconds for which answers asked the client to send nothing.",
			value: func(s *snapshot) float64 { return s.throttled.Seconds() }})
	for r, name := range rejectReasonNames {
		table = append(table, Metric{Name: "records_rejected_total", Label: "reason", LabelValue: name,
			Help:  "Records rejected permanently: too_large, unreadable (no event of Fluent Bit, or a delta metric for a metricstore), refused by SLS when sent alone, or unknown_logstore (its logstore does not exist, and unknown_logstore is reject).",
			value: func(s *snapshot) float64 { return float64(s.rejected[r]) }})
	}
	for _, kind := range failure.AllKinds() {
		table = append(table, Metric{Name: "errors_total", Label: "kind", LabelValue: kind.String(),
			Help:  "Failures of connections, of requests, and of what is sent to a logstore, by what an operator has to look at. A connection that fails counts again with the request that needs it.",
			value: func(s *snapshot) float64 { return float64(s.failures[kind]) }})
	}
	return append(table,
		Metric{Name: "records_resent_total", Help: "Records sent once more after a failure.",
			value: func(s *snapshot) float64 { return float64(s.retried) }},
		Metric{Name: "inflight_bytes", Gauge: true, Help: "Memory of the chunks in flight; buffer_limit_bytes is the most it may be.",
			value: func(s *snapshot) float64 { return float64(s.bytes) }},
		Metric{Name: "buffer_limit_bytes", Gauge: true, Help: "The option buffer_limit.",
			value: func(s *snapshot) float64 { return float64(s.limit) }},
		Metric{Name: "inflight_chunks", Gauge: true, Help: "Chunks that are on their way to SLS and not done, also those of the spool.",
			value: func(s *snapshot) float64 { return float64(s.chunks) }},
		Metric{Name: "waiting_chunks", Gauge: true, Help: "Chunks that wait for room, because those in flight take up buffer_limit; of those in the spool at most 1024.",
			value: func(s *snapshot) float64 { return float64(s.waiting) }},
		Metric{Name: "last_acknowledged_seconds", Gauge: true, Help: "Seconds since SLS last acknowledged records; since the start, while it has not.",
			value: func(s *snapshot) float64 { return s.sinceAck.Seconds() }},
		Metric{Name: "oldest_chunk_seconds", Gauge: true, Help: "Seconds since the oldest chunk was given that is in flight, waits or is in the spool; 0 without one.",
			value: func(s *snapshot) float64 { return s.oldest.Seconds() }},
		Metric{Name: "logstores_in_trouble", Gauge: true, Help: "Logstores whose records fail, also those whose records unknown_logstore sends elsewhere; the log names them.",
			value: func(s *snapshot) float64 { return float64(s.troubled) }},
		Metric{Name: "records_not_allowed_total", Help: "Records that went to the option logstore, since logstore_allowed does not have what logstore_key found.",
			value: func(s *snapshot) float64 { return float64(s.strays) }},
		Metric{Name: "reserved_keys_total", Help: "Keys of records that SLS reserves, and records without any: reserved_keys says what becomes of them.",
			value: func(s *snapshot) float64 { return float64(s.reserved) }},
		Metric{Name: "dead_letters_kept_total", Help: "Rejected records that were written to dead_letter_file.",
			value: func(s *snapshot) float64 { return float64(s.lettersKept) }},
		Metric{Name: "dead_letters_lost_total", Help: "Rejected records that could not be written to dead_letter_file.",
			value: func(s *snapshot) float64 { return float64(s.lettersLost) }},
		Metric{Name: "dead_letters_deleted_total", Help: "Rejected records that were kept, and deleted when dead_letter_file reached dead_letter_max_size again.",
			value: func(s *snapshot) float64 { return float64(s.lettersDeleted) }},
		Metric{Name: "spool_bytes", Gauge: true, Help: "Bytes of the files in spool_path; spool_limit_bytes is the most they may be.",
			value: func(s *snapshot) float64 { return float64(s.spool.bytes) }},
		Metric{Name: "spool_limit_bytes", Gauge: true, Help: "The option spool_limit; 0 without a spool.",
			value: func(s *snapshot) float64 { return float64(s.spool.limit) }},
		Metric{Name: "spool_chunks", Gauge: true, Help: "Chunks in the spool that are not delivered.",
			value: func(s *snapshot) float64 { return float64(s.spool.chunks) }},
		Metric{Name: "spool_written_chunks_total", Help: "Chunks that were put in the spool.",
			value: func(s *snapshot) float64 { return float64(s.spool.written) }},
		Metric{Name: "spool_delivered_chunks_total", Help: "Chunks of the spool that are done, without damaged ones.",
			value: func(s *snapshot) float64 { return float64(s.spool.delivered) }},
		Metric{Name: "spool_damaged_total", Help: "Places in the spool that could not be read, and chunks in it that an internal error keeps from being delivered; the log names them.",
			value: func(s *snapshot) float64 { return float64(s.spool.damaged) }},
		Metric{Name: "unwanted_chunks_total", Help: "Chunks of traces that were dropped, because logstore_traces is not set.",
			value: func(s *snapshot) float64 { return float64(s.unwanted) }},
		Metric{Name: "up", Gauge: true, Help: "1, or 0 while delivery is in trouble; the log says in which. Trouble of some of several logstores is logstores_in_trouble.",
			value: func(s *snapshot) float64 {
				if s.up {
					return 1
				}
				return 0
			}},
		Metric{Name: "build_info", Gauge: true, Label: "version", LabelValue: version, Help: "1; the label says which version of the plugin runs.",
			value: func(*snapshot) float64 { return 1 }},
	)
}

// metricsExporter sets the metrics of an output once a second. Without a sink, or if
// the host has no metrics for plugins (Fluent Bit before 2.0), it logs them once a
// minute while something changes.
type metricsExporter struct {
	out   *Output
	start time.Time

	mu     sync.Mutex
	sink   MetricSink // nil: the log takes its place
	closed bool
	series []Metric
	values []float64 // of series

	lastSnapshot snapshot
	loggedAt     time.Time
}

// open must be called on the thread of Init. sink may be nil.
func (e *metricsExporter) open(o *Output, sink MetricSink, version string, now time.Time) {
	e.out, e.start = o, now
	if table := Metrics(version); sink != nil && sink.Create(table) {
		e.sink, e.series, e.values = sink, table, make([]float64, len(table))
	}
	e.lastSnapshot, e.loggedAt = o.snapshot(now), now
	e.tick(now)
}

// tick is called about once a second.
func (e *metricsExporter) tick(now time.Time) {
	s := e.out.snapshot(now)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
	case e.sink == nil:
		e.logLocked(now, s)
	default:
		for i := range e.series {
			e.values[i] = e.series[i].value(&s)
		}
		e.sink.Set(now, e.values)
	}
}

// logLocked logs the line of the minute, if something but the time has changed.
func (e *metricsExporter) logLocked(now time.Time, s snapshot) {
	if now.Sub(e.loggedAt) < logInterval {
		return
	}
	e.loggedAt = now
	before := e.lastSnapshot
	before.sinceAck = s.sinceAck
	if s != before {
		e.out.log.Infof("%v", s)
	}
	e.lastSnapshot = s
}

// close returns when Set is not called any more, even if the goroutine that calls
// tick hangs elsewhere: Fluent Bit frees its metrics after the instance's exit.
func (e *metricsExporter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.sink != nil {
		e.sink.Close()
		e.sink = nil
	}
}
