package produce

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// topic is a Kafka topic, which is an SLS logstore.
type topic struct {
	name            string
	id              [16]byte     // from the broker; zero: it has none
	partitions      []*partition // nil: not known yet
	metadataAt      time.Time    // when the partitions were learned
	refresh         bool         // the partitions or their leaders may have changed
	metadataBackoff Backoff      // of requests for them
	backoff         Backoff      // of sending
	startPartition  int          // index of the partition to begin with
	lastPartition   int          // index of the one that round robin chose last

	asked    bool // the next answer about it is to be told
	found    bool // the last answer about it had partitions
	active   bool // in Producer.activeTopics
	lastUsed time.Time
	outside  int // batches that are in no queue: in flight, or being divided

	ackedAt  time.Time // when a batch was acknowledged last
	suspects suspects
	deniedBy witnesses // with an error of the topic, since it took a batch
	ages     ages
	batches  sizeLimit

	heldUp   int64     // bytes, about: of records for partitions that fail, and for them alone
	heldUpAt time.Time // when that was counted

	shared queue // records that may go to any partition
	// unassigned holds records whose partition depends on metadata that has not
	// arrived.
	unassigned     queue
	keyPartitioner kgo.TopicPartitioner // non-nil: the key decides the partition
}

// partition is a partition of a topic, which is a shard of a logstore.
type partition struct {
	index         int32
	leader        int32    // -1: none
	broker        *broker  // the leader; nil: none
	inflight      *request // the one with a batch for it; nil: none
	retired       bool     // the topic does not have it any more
	backoff       Backoff
	failingSince  time.Time // when the first failure of the backoff was; zero: it does not fail
	notBefore     time.Time // nothing is sent before it, whatever ends the backoff
	leaderMovedAt time.Time // when a new leader ended the backoff last
	tookAt        time.Time // when the last batch that it took was sent: what was on its way before a failure shows nothing
	streak        int       // batches it took since one failed
	offers        int       // batches it was given
	queue         queue     // records for this partition alone
}

// witnesses are the partitions of a topic that said the same: as many as it takes for
// that to be about the topic. What fewer say is taken to be about themselves, for the others
// may never be asked, where records belong to a partition.
type witnesses [3]*partition // in the order in which they said so first; nil: none

func (w *witnesses) add(part *partition) {
	for i, other := range w {
		if other == nil {
			w[i] = part
		}
		if w[i] == part {
			return
		}
	}
}

// enough tells whether what they say is about the topic.
func (w *witnesses) enough(t *topic) bool { return w[max(0, min(len(w), len(t.partitions))-1)] != nil }

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

// failing tells whether batches of the topic cannot be delivered.
func (t *topic) failing() bool {
	if t.outside == 0 && t.empty() {
		return false
	}
	failing := t.backoff.Failing() || t.metadataBackoff.Failing()
	t.eachQueue(func(q *queue) { failing = failing || len(q.retry) > 0 || !q.side.empty() })
	for _, part := range t.partitions {
		failing = failing || part.backoff.Failing() && !(part.queue.empty() && t.shared.empty())
	}
	return failing
}

// queueForLocked returns the queue for a record with that key; size is its RecordBytes.
func (p *Producer) queueForLocked(t *topic, key []byte, size int, now time.Time) *queue {
	n := len(t.partitions)
	switch {
	case p.options.Partitioner != RoundRobin && (t.keyPartitioner == nil || key == nil):
		return &t.shared
	case n == 0:
		return &t.unassigned
	case p.options.Partitioner == RoundRobin:
		return t.nextInTurn(now)
	}
	p.keyScratch.Key = key
	part := t.partitions[t.keyPartitioner.Partition(&p.keyScratch, n)]
	p.keyScratch.Key = nil // it is the caller's
	if part.abandoned(t, now) || p.overflowsLocked(t, part, int64(size), now) {
		return &t.shared
	}
	return &part.queue
}

// nextInTurn is the queue of the next partition that may take a batch now, or of the
// next if none may. One that failed gets records again when its wait is over: without
// any it would never show that it takes batches.
func (t *topic) nextInTurn(now time.Time) *queue {
	n := len(t.partitions)
	for range n {
		t.lastPartition = (t.lastPartition + 1) % n
		if part := t.partitions[t.lastPartition]; part.ready(now) {
			return &part.queue
		}
	}
	t.lastPartition = (t.lastPartition + 1) % n
	return &t.partitions[t.lastPartition].queue
}

// ready tells whether nothing is known against sending a batch to the partition now.
func (part *partition) ready(now time.Time) bool {
	return part.leader >= 0 && part.backoff.Ready(now) && part.broker.backoff.Ready(now)
}

// abandonAfter is how long a partition may fail, while others take batches, until
// the records that belong there by their key go elsewhere. A shard that SLS made
// read-only stays listed, and takes nothing for ever.
const abandonAfter = 10 * time.Minute

// abandoned tells whether records for the partition alone have to go elsewhere.
func (part *partition) abandoned(t *topic, now time.Time) bool {
	return part.failsAlone(t) && now.Sub(part.failingSince) > abandonAfter
}

// ok notes that the partition took a batch of a request that was sent at that time.
func (part *partition) ok(sentAt time.Time) {
	part.backoff.Reset()
	part.failingSince, part.tookAt = time.Time{}, sentAt
	part.streak++
}

// failed notes a failure that is not shown to be a batch's.
func (part *partition) failed(now time.Time, wait func(int) time.Duration) {
	part.backoff.Failed(now, wait)
	part.notBefore = now.Add(min(minRetryInterval, wait(1)))
	part.fails(now)
}

// fails notes that the partition takes nothing.
func (part *partition) fails(now time.Time) {
	if part.failingSince.IsZero() {
		part.failingSince = now
	}
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
	defer p.unlock()
	leads := make(map[*broker]bool)
	for name, t := range p.topics {
		for _, part := range t.partitions {
			leads[part.broker] = true
			if !part.queue.empty() && part.abandoned(t, now) {
				p.emptyLocked(part, now)
			}
		}
		if !t.active && now.Sub(t.lastUsed) > topicIdleTimeout && t.outside == 0 {
			delete(p.topics, name)
		}
	}
	for id, b := range p.brokers {
		if !leads[b] && b.inflight == nil && b.next == nil { // a cluster may give its nodes other numbers each time
			delete(p.brokers, id)
			if b.requests != nil {
				close(b.requests)
			}
		}
	}
	p.scheduleLocked()
}
