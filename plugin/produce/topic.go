package produce

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// queue holds batches of one topic in the order in which they are to be sent:
// to one partition, or to whichever is sendable.
type queue struct {
	topic       *topic
	partition   *partition // nil: any
	open        *batch     // takes records; nil: none yet
	lingerUntil time.Time  // when the open batch has lingered long enough
	closed      []*batch   // full, or lingered long enough; some are being compressed
	// Bytes and runs of the last batch that was closed: the next may need as many.
	lastSize, lastRuns int
}

func (q *queue) empty() bool { return q.open == nil && len(q.closed) == 0 }

// firstReady is the batch to be sent next, if it is ready.
func (q *queue) firstReady() *batch {
	if len(q.closed) == 0 || !q.closed[0].ready {
		return nil
	}
	return q.closed[0]
}

// pop takes the first batch off.
func (q *queue) pop() {
	q.closed[0] = nil
	q.closed = q.closed[1:]
}

// takeOpen removes the open batch, which takes no more records, from the queue.
func (q *queue) takeOpen() *batch {
	b := q.open
	q.open, q.lastSize, q.lastRuns = nil, len(b.wire), len(b.runs)
	return b
}

// topic is a Kafka topic, which is an SLS logstore.
type topic struct {
	name            string
	id              [16]byte     // from the broker; zero: it has none
	partitions      []*partition // nil: not known yet
	metadataAt      time.Time    // when the partitions were learned
	refresh         bool         // the partitions or their leaders may have changed
	metadataBackoff backoff      // of requests for them
	backoff         backoff      // of sending
	startPartition  int          // index of the partition to begin with
	lastPartition   int          // index of the one that round robin chose last

	active   bool // in Producer.activeTopics
	lastUsed time.Time
	shared   queue // records that may go to any partition
	// unassigned holds records whose partition depends on metadata that has not
	// arrived.
	unassigned     queue
	keyPartitioner kgo.TopicPartitioner // non-nil: the key decides the partition
}

// partition is a partition of a topic, which is a shard of a logstore.
type partition struct {
	index         int32
	leader        int32    // -1: none
	inflight      *request // the one with a batch for it; nil: none
	retired       bool     // the topic does not have it any more
	backoff       backoff
	notBefore     time.Time // nothing is sent before it, whatever ends the backoff
	leaderMovedAt time.Time // when a new leader ended the backoff last
	queue         queue     // records for this partition alone
}

// eachQueue calls f with each queue of the topic.
func (t *topic) eachQueue(f func(*queue)) {
	f(&t.unassigned)
	f(&t.shared)
	for _, part := range t.partitions {
		f(&part.queue)
	}
}

func (t *topic) empty() bool {
	empty := true
	t.eachQueue(func(q *queue) { empty = empty && q.empty() })
	return empty
}

// queueForLocked returns the queue for a record with that key.
func (p *Producer) queueForLocked(t *topic, key []byte) *queue {
	n := len(t.partitions)
	switch {
	case p.options.Partitioner != RoundRobin && (t.keyPartitioner == nil || key == nil):
		return &t.shared
	case n == 0:
		return &t.unassigned
	case p.options.Partitioner == RoundRobin:
		t.lastPartition = (t.lastPartition + 1) % n
		return &t.partitions[t.lastPartition].queue
	}
	p.keyScratch.Key = key
	i := t.keyPartitioner.Partition(&p.keyScratch, n)
	p.keyScratch.Key = nil // it is the caller's
	return &t.partitions[i].queue
}

// activeTopicLocked returns a topic, now active, for records to be added.
func (p *Producer) activeTopicLocked(name string, now time.Time) *topic {
	t := p.ensureTopicLocked(name)
	t.lastUsed = now
	p.activateLocked(t)
	return t
}

func (p *Producer) activateLocked(t *topic) {
	if !t.active {
		t.active = true
		p.activeTopics = append(p.activeTopics, t)
	}
}

func (p *Producer) ensureTopicLocked(name string) *topic {
	t := p.topics[name]
	if t == nil {
		t = &topic{name: name, lastUsed: time.Now()}
		t.shared.topic, t.unassigned.topic = t, t
		if p.keyPartitioner != nil {
			t.keyPartitioner = p.keyPartitioner.ForTopic(name)
		}
		p.topics[name] = t
	}
	return t
}

// topicIdleTimeout is how long a topic is remembered after its last record.
const topicIdleTimeout = 10 * time.Minute

// Tick forgets topics that got nothing for long, for there may be many, and
// memory that nothing needed for a while. It is to be called about once a second.
func (p *Producer) Tick(now time.Time) {
	p.pool.tick(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	inflight := p.inflightTopicsLocked()
	for name, t := range p.topics {
		if !t.active && now.Sub(t.lastUsed) > topicIdleTimeout && !inflight[t] {
			delete(p.topics, name)
		}
	}
}

// inflightTopicsLocked returns the topics that have a batch in a request. The
// partition it is for may be retired, and the batch come back to its topic all the
// same.
func (p *Producer) inflightTopicsLocked() map[*topic]bool {
	topics := make(map[*topic]bool)
	for _, b := range p.brokers {
		for _, r := range [...]*request{b.inflight, b.next} {
			if r == nil {
				continue
			}
			for i := range r.batches {
				topics[r.batches[i].topic] = true
			}
		}
	}
	return topics
}
