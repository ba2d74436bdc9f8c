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

// topicOf returns a topic that is to get records.
func (p *Producer) topicOf(name string, now time.Time) *topic {
	t := p.known(name)
	t.used = now
	p.activate(t)
	return t
}

func (p *Producer) activate(t *topic) {
	if !t.active {
		t.active = true
		p.active = append(p.active, t)
	}
}

func (p *Producer) known(name string) *topic {
	t := p.topics[name]
	if t == nil {
		t = &topic{name: name, used: time.Now()}
		t.any.topic, t.homeless.topic = t, t
		if p.keyHash != nil {
			t.hash = p.keyHash.ForTopic(name)
		}
		p.topics[name] = t
	}
	return t
}

// keptTopic is how long a topic without records is remembered.
const keptTopic = 10 * time.Minute

// Tick forgets topics that got nothing for long, for there may be many, and
// memory that nothing needed for a while. It is to be called about once a second.
func (p *Producer) Tick(now time.Time) {
	p.pool.tick(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	carried := p.carried()
	for name, t := range p.topics {
		if !t.active && now.Sub(t.used) > keptTopic && !carried[t] {
			delete(p.topics, name)
		}
	}
}

// carried are the topics that have a batch in a request. The shard it is for may
// be gone, and the batch come back to its topic all the same.
func (p *Producer) carried() map[*topic]bool {
	topics := make(map[*topic]bool)
	for _, b := range p.brokers {
		for _, r := range [...]*request{b.sending, b.next} {
			if r == nil {
				continue
			}
			for i := range r.sent {
				topics[r.sent[i].topic] = true
			}
		}
	}
	return topics
}
