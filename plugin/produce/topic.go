package produce

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// queue holds batches of one topic in the order in which they are to be sent:
// to one shard, or to whichever is free.
type queue struct {
	topic *topic
	shard *shard    // nil: any
	open  *batch    // takes records; nil: none yet
	due   time.Time // when the open batch has lingered long enough
	line  []*batch  // full, or lingered long enough; some are being compressed
	// Of the last batch that left open: what the next may need.
	size, parts int
}

func (q *queue) empty() bool { return q.open == nil && len(q.line) == 0 }

// first is the batch to be sent next, if it is ready.
func (q *queue) first() *batch {
	if len(q.line) == 0 || !q.line[0].ready {
		return nil
	}
	return q.line[0]
}

// pop takes the first batch off.
func (q *queue) pop() {
	q.line[0] = nil
	q.line = q.line[1:]
}

// close returns the open batch, which takes no more records.
func (q *queue) close() *batch {
	b := q.open
	q.open, q.size, q.parts = nil, len(b.wire), len(b.parts)
	return b
}

// topic is one logstore's.
type topic struct {
	name    string
	id      [16]byte // of brokers that have such; zero: none
	shards  []*shard // nil: not known yet
	learned time.Time
	stale   bool  // the shards or their leaders may have changed
	asks    pause // of asking for them
	pause   pause // of sending
	turn    int   // the shard to begin with
	robin   int   // the shard that got a record last

	active bool
	used   time.Time
	any    queue // records that may go to any shard
	// homeless are records that have a shard each, which is not known yet.
	homeless queue
	hash     kgo.TopicPartitioner // non-nil: the key says the shard
}

// shard is what Kafka calls a partition.
type shard struct {
	index   int32
	leader  int32    // -1: none
	sending *request // carries a batch for it; nil: none does
	gone    bool     // the topic has it no more
	pause   pause
	floor   time.Time // before it nothing is sent, whatever ends the pause
	moved   time.Time // when a new leader ended the pause last
	own     queue     // records for this shard alone
}

// queues calls f with each queue of the topic.
func (t *topic) queues(f func(*queue)) {
	f(&t.homeless)
	f(&t.any)
	for _, s := range t.shards {
		f(&s.own)
	}
}

func (t *topic) empty() bool {
	empty := true
	t.queues(func(q *queue) { empty = empty && q.empty() })
	return empty
}

// queueOf is where a record with that key goes.
func (p *Producer) queueOf(t *topic, key []byte) *queue {
	n := len(t.shards)
	switch {
	case p.options.Partitioner != RoundRobin && (t.hash == nil || key == nil):
		return &t.any
	case n == 0:
		return &t.homeless
	case p.options.Partitioner == RoundRobin:
		t.robin = (t.robin + 1) % n
		return &t.shards[t.robin].own
	}
	p.keyed.Key = key
	at := t.hash.Partition(&p.keyed, n)
	p.keyed.Key = nil // it is the caller's
	return &t.shards[at].own
}

// pause is the wait of what has failed, longer with each failure in a row.
type pause struct {
	failures int
	until    time.Time
}

func (w *pause) over(now time.Time) bool { return !now.Before(w.until) }

func (w *pause) fail(now time.Time, backoff func(int) time.Duration) {
	w.failures++
	w.until = now.Add(backoff(w.failures))
}

// hurry ends the wait; the next failure makes as long a one.
func (w *pause) hurry() { w.until = time.Time{} }
