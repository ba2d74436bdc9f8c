package produce

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// request is a produce request: a batch each for some partitions of a broker.
type request struct {
	producer *Producer
	broker   *broker
	batches  []partitionBatch
	bytes    int
	retried  int // records that were sent before
}

// partitionBatch is one batch on its way to a partition.
type partitionBatch struct {
	topic     *topic
	topicID   [16]byte // topic.id when the batch was added
	partition *partition
	batch     *batch
	err       error // of the answer
}

// addToRequestLocked adds b to the next request to the leader of part. It returns
// false if b does not fit.
func (p *Producer) addToRequestLocked(b *batch, part *partition) bool {
	leader := p.brokers[part.leader]
	if leader.next == nil {
		leader.next = &request{producer: p, broker: leader}
	}
	r := leader.next
	if len(r.batches) > 0 && (b.exclusive || r.batches[0].batch.exclusive || r.bytes+len(b.wire) > p.options.MaxRequestBytes) {
		return false
	}
	r.bytes += len(b.wire)
	r.batches = append(r.batches, partitionBatch{b.queue.topic, b.queue.topic.id, part, b, nil})
	part.inflight = r
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
	b.next, b.inflight = nil, r
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
	for i := range r.batches {
		b := r.batches[i].batch
		if !b.ready && p.compressors.usual != nil {
			p.compress(b, false)
		}
		b.ready = true
		b.writeHeader()
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
		if t.Topic != pb.topic.name && (t.Topic != "" || t.TopicID != pb.topicID) {
			continue
		}
		for _, partition := range t.Partitions {
			if partition.Partition == pb.partition.index {
				pb.err = kerr.ErrorForCode(partition.ErrorCode)
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
	res := p.dropRequest(r)
	res.deliver(p)
}

// dropRequest removes a request from its broker and partitions, and returns its
// batches, to be released.
func (p *Producer) dropRequest(r *request) (res results) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.broker.inflight == r {
		r.broker.inflight = nil
	}
	for i := range r.batches {
		if part := r.batches[i].partition; part.inflight == r { // it may have a next one already
			part.inflight = nil
		}
		res.released = append(res.released, r.batches[i].batch)
	}
	return res
}
