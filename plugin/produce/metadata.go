package produce

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadataMaxAge is how long the partitions of a topic count as known: a split of
// a shard is seen within it.
const metadataMaxAge = 5 * time.Minute

// metadataMinAge is the least time between two metadata requests, whatever the
// answers say: no answer may make a loop without a wait. The Kafka client has
// the same minimum.
const metadataMinAge = 250 * time.Millisecond

// leaderMoveMinInterval is the least time between two new leaders that end the
// backoff of a partition. If the leader moves more often, the backoff stays.
const leaderMoveMinInterval = 5 * time.Second

func (t *topic) needsMetadata(now time.Time) bool {
	return t.refresh || len(t.partitions) == 0 || now.Sub(t.metadataAt) > metadataMaxAge
}

// requestMetadataLocked requests the metadata of topics, in the background, unless
// a request is on the way or has to wait.
func (p *Producer) requestMetadataLocked(topics []*topic, now time.Time) {
	if p.requestingMetadata {
		return
	}
	var names []string
	for _, t := range topics {
		if !t.metadataBackoff.Ready(now) {
			p.wakeAtLocked(t.metadataBackoff.until)
			continue
		}
		names = append(names, t.name)
	}
	if len(names) == 0 {
		return
	}
	if earliest := p.nextMetadataRequestLocked(); now.Before(earliest) {
		p.wakeAtLocked(earliest)
		return
	}
	p.requestingMetadata, p.metadataRequestedAt = true, now
	p.background(func() {
		defer p.metadataRequestDone()
		answer, err := p.cluster.Metadata(p.ctx, names)
		p.applyMetadata(names, answer, err)
	})
}

// nextMetadataRequestLocked returns when metadata may be requested again.
func (p *Producer) nextMetadataRequestLocked() time.Time {
	earliest := p.metadataRequestedAt.Add(metadataMinAge)
	if p.metadataBackoff.until.After(earliest) {
		return p.metadataBackoff.until
	}
	return earliest
}

// metadataRequestDone lets the next metadata request be sent, also after a panic.
func (p *Producer) metadataRequestDone() {
	p.mu.Lock()
	defer p.unlock()
	p.requestingMetadata = false
	p.scheduleLocked()
}

// Update applies a tidy answer to a metadata request of somebody else, and sends
// what waits for it.
func (p *Producer) Update(names []string, answer *kmsg.MetadataResponse) {
	p.applyMetadata(names, answer, nil)
}

// applyMetadata applies the answer to a metadata request and sends what waits for
// it.
func (p *Producer) applyMetadata(names []string, answer *kmsg.MetadataResponse, err error) {
	p.mu.Lock()
	defer p.unlock()
	now := time.Now()
	if p.closed { // nobody would release records that are assigned now
		return
	}
	if err != nil {
		p.metadataBackoff.Failed(now, p.retryWait)
		p.postponeBrokersLocked()
		p.undelivered.fail("", err)
		return
	}
	p.metadataBackoff.Reset()
	for _, name := range names {
		if err := p.applyTopicLocked(name, answer, now); err != nil {
			p.undelivered.fail(name, err)
		}
	}
	p.scheduleLocked()
}

// retryWait is the wait of a broker, of a partition and of metadata after n failures in
// a row. The first is short: it may have met a connection that was just closed, a
// leader that just moved, or a batch that is to blame itself.
func (p *Producer) retryWait(n int) time.Duration {
	if n == 1 {
		return min(p.options.Backoff(1), minRetryInterval)
	}
	return p.options.Backoff(n - 1)
}

// mostPostponements is how often a broker that gave no answer waits for metadata before
// it is tried whatever metadata says.
const mostPostponements = 5

// postponeBrokersLocked lets the brokers that gave no answer wait for the next request
// for metadata, which nobody answered either: one of a node's connections is enough
// to find out that an outage lasts. A broker is postponed mostPostponements times in a
// row: metadata may fail for another reason.
func (p *Producer) postponeBrokersLocked() {
	for _, b := range p.brokers {
		if next := p.metadataBackoff.until.Add(minRetryInterval); b.backoff.Failing() && b.postponed < mostPostponements && b.backoff.until.Before(next) {
			b.backoff.until = next
			b.postponed++
		}
	}
}

func (p *Producer) applyTopicLocked(name string, answer *kmsg.MetadataResponse, now time.Time) error {
	t, meta := p.ensureTopicLocked(name), FindTopic(answer, name)
	err := kerr.ErrorForCode(meta.ErrorCode)
	if err == nil && len(meta.Partitions) == 0 {
		err = kerr.LeaderNotAvailable
	}
	t.asked = false
	if err != nil {
		t.refresh, t.found = true, false
		t.metadataBackoff.Failed(now, p.options.Backoff)
		return err
	}
	if !t.found {
		t.found = true
		p.undelivered.found = append(p.undelivered.found, name)
	}
	t.id, t.metadataAt, t.refresh = meta.TopicID, now, false
	previous := t.partitions
	t.partitions = make([]*partition, 0, len(meta.Partitions))
	for i := range meta.Partitions {
		part := p.applyPartitionLocked(t, previous, &meta.Partitions[i], now)
		t.refresh = t.refresh || part.leader < 0
		t.partitions = append(t.partitions, part)
	}
	if t.refresh {
		t.metadataBackoff.Failed(now, p.options.Backoff)
	} else {
		t.metadataBackoff.Reset()
	}
	for _, part := range previous {
		if !slices.Contains(t.partitions, part) { // the topic lost it
			part.retired = true
			p.emptyLocked(part, now)
		}
	}
	p.assignPartitionsLocked(t, now)
	return nil
}

func (p *Producer) applyPartitionLocked(t *topic, previous []*partition, meta *kmsg.MetadataResponseTopicPartition, now time.Time) *partition {
	leader := meta.Leader
	if meta.ErrorCode != 0 {
		leader = -1
	}
	var part *partition
	if i := slices.IndexFunc(previous, func(part *partition) bool { return part.index == meta.Partition }); i >= 0 {
		part = previous[i]
	} else {
		part = &partition{index: meta.Partition, leader: leader}
		part.queue = queue{topic: t, partition: part}
	}
	if part.leader != leader {
		part.leader = leader
		if now.Sub(part.leaderMovedAt) >= leaderMoveMinInterval { // brokers may disagree about the leader
			part.leaderMovedAt = now
			part.backoff.Expire()
		}
	}
	if leader < 0 {
		part.fails(now)
		if p.options.Partitioner == RoundRobin {
			p.emptyLocked(part, now)
		}
	}
	if leader >= 0 && p.brokers[leader] == nil {
		p.brokers[leader] = &broker{id: leader}
	}
	part.broker = p.brokers[leader]
	return part
}

// assignPartitionsLocked moves the records of t.unassigned to the queues of their
// partitions, which are known now.
func (p *Producer) assignPartitionsLocked(t *topic, now time.Time) {
	q := &t.unassigned
	if q.open != nil {
		p.closeBatchLocked(q)
	}
	batches := q.fresh
	q.fresh = nil
	for _, b := range batches {
		err := b.eachRecord(func(o Owner, key, value []byte, millis int64) {
			size := RecordBytes(key, value)
			b := p.openBatchLocked(p.queueForLocked(t, key, size, now), size, now)
			b.own(o)
			b.add(key, value, millis)
		})
		if err != nil { // it was written a moment ago, and not compressed
			p.observer.Panicked(err)
			b.to(released)
			p.undelivered.released = append(p.undelivered.released, b)
			continue
		}
		b.to(divided)
		p.pool.put(b.wire)
	}
}
