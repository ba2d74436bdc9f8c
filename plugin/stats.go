package plugin

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/produce"
)

// stats are the counters of one output.
type stats struct {
	acknowledged      atomic.Int64 // records
	acknowledgedBytes atomic.Int64 // of those records' values
	rejected          rejectCounts
	retried           atomic.Int64 // records sent again after a failure
	failures          failureCounts
	traffic           traffic
	reserved          atomic.Int64 // fields of records that SLS reserves
	overridden        atomic.Int64 // fields of records that an option's field replaced
	strays            atomic.Int64 // records whose logstore logstore_allowed does not have
	unwanted          atomic.Int64 // chunks of a kind that has no logstore
	returned          atomic.Int64 // chunks without a result when the output ended
	deadLetters       deadLetterCounts
}

// addAcked counts acknowledged records, and the bytes of their values.
func (s *stats) addAcked(records, bytes int64) {
	s.acknowledged.Add(records)
	s.acknowledgedBytes.Add(bytes)
}

// failureCounts are numbers of failures, by kind.
type failureCounts [failure.Kinds]atomic.Int64

func (f *failureCounts) add(err error) { f[failure.Of(err).Kind].Add(1) }

// deadLetterCounts are numbers of rejected records with dead_letter_file.
type deadLetterCounts struct {
	kept    atomic.Int64 // in the file
	lost    atomic.Int64 // it could not be written
	deleted atomic.Int64 // kept, and deleted with the older file
}

// rejectReason is why a record was rejected.
type rejectReason uint8

const (
	tooLarge        rejectReason = iota // over max_message_bytes, or over the broker's limit
	unreadable                          // not an event of Fluent Bit
	refused                             // by the broker, for itself, for another reason than its size
	unknownLogstore                     // its logstore does not exist, and unknown_logstore is reject
	rejectReasons
)

// rejectReasonNames are the values of the label reason.
var rejectReasonNames = [rejectReasons]string{"too_large", "unreadable", "refused", "unknown_logstore"}

// rejectCounts are numbers of rejected records, by reason.
type rejectCounts [rejectReasons]atomic.Int64

// add counts a record with that kind of failure; byBroker tells that the broker
// refused it.
func (r *rejectCounts) add(k failure.Kind, byBroker bool, n int64) {
	switch {
	case k == failure.Size:
		r[tooLarge].Add(n)
	case k == failure.NotFound:
		r[unknownLogstore].Add(n)
	case byBroker:
		r[refused].Add(n)
	default:
		r[unreadable].Add(n)
	}
}

// Load is the number of records rejected for any reason.
func (r *rejectCounts) Load() (n int64) {
	for i := range r {
		n += r[i].Load()
	}
	return n
}

// snapshot is how an output stands at one moment.
type snapshot struct {
	acknowledged, acknowledgedBytes, retried int64
	rejected                                 [rejectReasons]int64
	failures                                 [failure.Kinds]int64
	sentBytes, requests                      int64
	requestTime, throttled                   time.Duration // of all requests together
	bytes, limit                             int64         // in flight, and how many may be
	chunks, waiting                          int           // in flight; waiting for room
	sinceAck                                 time.Duration // since the last acknowledgement, or the start
	up                                       bool
	troubled                                 int           // logstores
	oldest                                   time.Duration // of the chunks in flight and waiting: since it was given
	lettersKept, lettersLost, lettersDeleted int64
	spool                                    spoolSnapshot
	strays                                   int64
	reserved                                 int64 // keys
	unwanted                                 int64 // chunks
}

// snapshot takes the numbers one after another, while others go on counting.
func (o *Output) snapshot(now time.Time) snapshot {
	used, waiting := o.admission.load()
	begun := o.begun()
	last := o.metrics.start
	if ack := o.health.lastAcked(); !ack.IsZero() {
		last = ack
	}
	s := snapshot{
		acknowledged:      o.stats.acknowledged.Load(),
		acknowledgedBytes: o.stats.acknowledgedBytes.Load(),
		retried:           o.stats.retried.Load(),
		bytes:             used,
		limit:             o.cfg.BufferLimit,
		chunks:            max(0, begun-waiting),
		waiting:           waiting,
		sinceAck:          max(0, now.Sub(last)),
		sentBytes:         o.stats.traffic.bytes.Load(),
		requests:          o.stats.traffic.requests.Load(),
		requestTime:       time.Duration(o.stats.traffic.duration.Load()),
		throttled:         time.Duration(o.stats.traffic.throttled.Load()),
		up:                o.health.healthy(now),
		troubled:          o.health.troubles(),
		strays:            o.stats.strays.Load(),
		reserved:          o.stats.reserved.Load(),
		lettersKept:       o.stats.deadLetters.kept.Load(),
		lettersLost:       o.stats.deadLetters.lost.Load(),
		lettersDeleted:    o.stats.deadLetters.deleted.Load(),
		unwanted:          o.stats.unwanted.Load(),
	}
	if oldest, ok := o.oldestStart(); ok {
		s.oldest = max(0, now.Sub(oldest))
	}
	s.spool = o.spooler.snapshot(now)
	s.oldest = max(s.oldest, s.spool.oldest)
	for i := range s.rejected {
		s.rejected[i] = o.stats.rejected[i].Load()
	}
	for i := range s.failures {
		s.failures[i] = o.stats.failures[i].Load()
	}
	return s
}

// begun is how many chunks are in flight or wait for room, Fluent Bit's and those of the spool: both wait in the same lines.
func (o *Output) begun() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.live) + len(o.moved)
}

// String is the snapshot as a log line has it.
func (s snapshot) String() string {
	state := "works"
	if !s.up {
		state = "is in trouble"
	}
	var rejected []string
	for i, n := range s.rejected {
		rejected = append(rejected, fmt.Sprintf("%s %d", rejectReasonNames[i], n))
	}
	return fmt.Sprintf("delivery %s; records acknowledged: %d (%d bytes), sent again: %d, rejected: %s; in flight: %d chunks, %d of %d bytes; chunks waiting for room: %d; last acknowledgement %v ago",
		state, s.acknowledged, s.acknowledgedBytes, s.retried, strings.Join(rejected, ", "), s.chunks, s.bytes, s.limit, s.waiting, s.sinceAck.Round(time.Second))
}

// loadSummary returns what is in flight, for a log line.
func (o *Output) loadSummary() string {
	used, waiting := o.admission.load()
	begun := o.begun()
	return fmt.Sprintf("in flight: %d chunks, %d of %d bytes; waiting for room: %d chunks; records acknowledged: %d, rejected: %d",
		max(0, begun-waiting), used, o.cfg.BufferLimit, waiting, o.stats.acknowledged.Load(), o.stats.rejected.Load())
}

// Retained counts what the output holds in batches, of rejected records, and of names of logstores,
// by looking at all of it: simulations compare it with what is accounted for.
func (o *Output) Retained() produce.Retained {
	r := o.producer.Retained()
	r.Bytes += o.letters.retained()
	r.Kept += o.logstores.retained()
	return r
}
