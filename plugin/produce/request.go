package produce

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// request is a produce request: a batch each for some partitions of a broker.
type request struct {
	producer *Producer
	broker   *broker
	batches  []partitionBatch
	bytes    int // of the batches; once it is sent, as they are sent
	retried  int // records that were sent before

	startedAt time.Time
}

// partitionBatch is one batch on its way to a partition.
type partitionBatch struct {
	topic     *topic
	topicID   [16]byte // topic.id when the batch was added
	partition *partition
	batch     *batch
	err       error   // of the answer, or why there was none
	lost      bool    // there was none
	named     []int32 // records that the answer names, by their place in the batch
	// topicFailed tells that the topic has to wait.
	topicFailed bool
}

// addToRequestLocked adds b to the next request to the leader of part. It returns
// false if b does not fit.
func (p *Producer) addToRequestLocked(b *batch, part *partition, now time.Time) bool {
	leader := part.broker
	if leader.next == nil {
		leader.next = &request{producer: p, broker: leader}
	}
	r := leader.next
	if len(r.batches) > 0 && (!p.joinsLocked(r, b) || r.bytes+len(b.wire) > p.requestBytesLocked(leader, now)) {
		return false
	}
	r.bytes += len(b.wire)
	t := b.queue.topic
	r.batches = append(r.batches, partitionBatch{topic: t, topicID: t.id, partition: part, batch: b})
	part.inflight = r
	b.to(inflight)
	t.outside++
	b.compressed = b.compressed || p.refusesCodecLocked(now)
	if b.retrying {
		b.retrying = false
		p.retrying.Add(-1)
		r.retried += b.count
	}
	return true
}

// startLocked sends the request in the background.
func (r *request) startLocked() {
	b := r.broker
	b.next, b.inflight, r.startedAt = nil, r, time.Now()
	if b.requests == nil {
		b.requests = make(chan *request, 1) // never full: no other is on the way
		r.producer.background(b.sendLoop)
	}
	b.requests <- r
}

// sendLoop sends requests until the producer is closed.
func (b *broker) sendLoop() {
	for r := range b.requests {
		r.send()
	}
}

func (r *request) send() {
	p := r.producer
	defer p.recoverPanic() // should releaseOnPanic panic too, the next requests are sent
	defer p.releaseOnPanic(r)
	r.bytes = 0
	for i := range r.batches {
		b := r.batches[i].batch
		if !b.compressed && p.compressors.usual != nil {
			p.compress(b, false)
		}
		b.compressed = true
		b.writeHeader()
		r.bytes += len(b.wire)
	}
	if r.retried > 0 {
		p.observer.Retried(r.retried)
	}
	answer, err := p.cluster.Produce(p.ctx, r.broker.id, r.build())
	if err == nil {
		r.readResponse(answer)
	}
	p.completeRequest(r, err)
}

func (r *request) build() *kmsg.ProduceRequest {
	m := kmsg.NewPtrProduceRequest()
	m.Acks = r.producer.options.Acks
	m.TimeoutMillis = int32(r.producer.options.Timeout.Milliseconds())
	for _, pb := range r.batches {
		last := len(m.Topics) - 1
		if last < 0 || m.Topics[last].Topic != pb.topic.name {
			topic := kmsg.NewProduceRequestTopic()
			topic.Topic, topic.TopicID = pb.topic.name, pb.topicID
			m.Topics = append(m.Topics, topic)
			last++
		}
		partition := kmsg.NewProduceRequestTopicPartition()
		partition.Partition, partition.Records = pb.partition.index, pb.batch.wire
		m.Topics[last].Partitions = append(m.Topics[last].Partitions, partition)
	}
	return m
}

// errPartitionMissing is the error of a partition that an answer does not mention.
var errPartitionMissing = errors.New("the broker's answer does not mention the shard")

// readResponse finds the error of each batch, or that there was none, in the answer.
func (r *request) readResponse(answer *kmsg.ProduceResponse) {
	for i := range r.batches {
		if pb := &r.batches[i]; !pb.findIn(answer) {
			pb.err = fmt.Errorf("topic %s, shard %d: %w", pb.topic.name, pb.partition.index, errPartitionMissing)
		}
	}
}

// findIn sets pb.err from the answer. It returns false if the answer does not
// mention the partition.
func (pb *partitionBatch) findIn(answer *kmsg.ProduceResponse) bool {
	for i := range answer.Topics {
		t := &answer.Topics[i]
		if t.Topic != pb.topic.name && (t.Topic != "" || t.TopicID != pb.topicID || pb.topicID == [16]byte{}) {
			continue
		}
		for _, partition := range t.Partitions {
			if partition.Partition == pb.partition.index {
				pb.err = kerr.ErrorForCode(partition.ErrorCode)
				for _, r := range partition.ErrorRecords {
					pb.named = append(pb.named, r.RelativeOffset)
				}
				return true
			}
		}
	}
	return false
}

// releaseOnPanic, deferred, releases the records of a request when something has
// panicked.
func (p *Producer) releaseOnPanic(r *request) {
	cause := recover()
	if cause == nil {
		return
	}
	p.observer.Panicked(cause)
	p.dropRequest(r)
}

// dropRequest removes a request from its broker and partitions, and releases those
// of its batches that are nowhere else.
func (p *Producer) dropRequest(r *request) {
	p.mu.Lock()
	defer p.unlock()
	if r.broker.inflight == r {
		r.broker.inflight = nil
	}
	for i := range r.batches {
		if part := r.batches[i].partition; part.inflight == r { // it may have a next one already
			part.inflight = nil
		}
		if b := r.batches[i].batch; b.state == inflight || b.state == dividing {
			b.to(released)
			r.batches[i].topic.outside--
			p.undelivered.released = append(p.undelivered.released, b)
		}
	}
	p.scheduleLocked()
}

// minRetryInterval is the least time between a batch that failed and the next one
// of its partition, or retry_backoff if that is less. A new leader and the success
// of another partition end a backoff, and both may come as fast as answers do.
const minRetryInterval = 250 * time.Millisecond

// refreshMetadata has the metadata of the topic requested soon, also during the
// backoff that another partition without a leader causes. metadataMinAge bounds how
// often.
func (pb *partitionBatch) refreshMetadata() {
	pb.topic.refresh = true
	pb.topic.metadataBackoff.Expire()
}

// requeueLocked puts a batch at the end of a line: the one that failed longest ago is
// the next, so that none is tried again and again before others.
func (p *Producer) requeueLocked(b *batch, l line, now time.Time) {
	q := b.queue
	if part := q.partition; part != nil && (part.retired || p.options.Partitioner == RoundRobin && p.downLocked(part) || part.abandoned(q.topic, now)) {
		q = &q.topic.shared
	}
	b.queue = q
	if b.state != ready { // a part is from the beginning
		b.to(ready)
	}
	if !b.retrying {
		b.retrying = true
		p.retrying.Add(1)
	}
	if l == sideLine {
		q.side.add(b, now)
	} else {
		q.retry = append(q.retry, b)
	}
	p.activateLocked(q.topic)
}

// rejectLocked ends a batch whose records the broker does not take.
func (p *Producer) rejectLocked(b *batch, err error) {
	if b.retrying {
		b.retrying = false
		p.retrying.Add(-1)
	}
	b.to(rejected)
	p.undelivered.rejected = append(p.undelivered.rejected, rejectedBatch{batch: b, err: err})
}

// downLocked tells whether a partition takes nothing now, as far as is known.
func (p *Producer) downLocked(part *partition) bool {
	return part.leader < 0 || part.backoff.Failing() || part.broker.backoff.Failing()
}

// moveQueueLocked gives all batches of a queue to another one.
func (p *Producer) moveQueueLocked(from, to *queue, now time.Time) {
	if from.open != nil {
		p.closeBatchLocked(from)
	}
	from.moveTo(to, now)
}

// emptyLocked gives the batches of a partition to the topic's others.
func (p *Producer) emptyLocked(part *partition, now time.Time) {
	p.moveQueueLocked(&part.queue, &part.queue.topic.shared, now)
}

// emptyBrokerLocked does so with all partitions that a broker leads.
func (p *Producer) emptyBrokerLocked(b *broker, now time.Time) {
	for _, t := range p.activeTopics {
		for _, part := range t.partitions {
			if part.leader == b.id {
				p.emptyLocked(part, now)
			}
		}
	}
}
