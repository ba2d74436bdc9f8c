package produce

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// request is a produce request: a batch for each of some shards of a broker.
type request struct {
	producer *Producer
	broker   *broker
	sent     []shipment
	bytes    int
	retried  int // records that are sent once more
}

// shipment is one batch on its way to a shard.
type shipment struct {
	topic *topic
	id    [16]byte // the topic's
	shard *shard
	batch *batch
	err   error // of the answer
}

// put adds b to the next request of the shard's leader, if it still fits in.
func (p *Producer) put(b *batch, s *shard) bool {
	leader := p.brokers[s.leader]
	if leader.next == nil {
		leader.next = &request{producer: p, broker: leader}
	}
	r := leader.next
	if len(r.sent) > 0 && (b.alone || r.sent[0].batch.alone || r.bytes+len(b.wire) > p.options.MaxRequestBytes) {
		return false
	}
	r.bytes += len(b.wire)
	r.sent = append(r.sent, shipment{b.queue.topic, b.queue.topic.id, s, b, nil})
	s.sending = r
	if b.waits {
		b.waits = false
		p.retrying.Add(-1)
		r.retried += b.count
	}
	return true
}

// start sends the request in the background. p.mu is held.
func (r *request) start() {
	b := r.broker
	b.next, b.sending = nil, r
	if b.requests == nil {
		b.requests = make(chan *request, 1) // takes it at once: no other is on the way
		r.producer.background(b.send)
	}
	b.requests <- r
}

// send sends requests until the producer is closed.
func (b *broker) send() {
	for r := range b.requests {
		r.send()
	}
}

func (r *request) send() {
	p := r.producer
	defer p.contain() // should guard panic too, the next requests are sent
	defer p.guard(r)
	for i := range r.sent {
		b := r.sent[i].batch
		if !b.ready && p.compressors.usual != nil {
			p.compress(b, false)
		}
		b.ready = true
		b.seal()
	}
	if r.retried > 0 {
		p.observer.Retried(r.retried)
	}
	answer, err := p.cluster.Produce(p.ctx, r.broker.id, r.message())
	if err == nil {
		r.read(answer)
	}
	p.settle(r, err)
}

func (r *request) message() *kmsg.ProduceRequest {
	m := kmsg.NewPtrProduceRequest()
	m.Acks = r.producer.options.Acks
	m.TimeoutMillis = int32(r.producer.options.Timeout.Milliseconds())
	for _, s := range r.sent {
		last := len(m.Topics) - 1
		if last < 0 || m.Topics[last].Topic != s.topic.name {
			topic := kmsg.NewProduceRequestTopic()
			topic.Topic, topic.TopicID = s.topic.name, s.id
			m.Topics = append(m.Topics, topic)
			last++
		}
		partition := kmsg.NewProduceRequestTopicPartition()
		partition.Partition, partition.Records = s.shard.index, s.batch.wire
		m.Topics[last].Partitions = append(m.Topics[last].Partitions, partition)
	}
	return m
}

// errNoAnswer is for a shard that is missing in an answer.
var errNoAnswer = errors.New("the broker's answer does not mention the shard")

// read finds each batch's outcome in the answer.
func (r *request) read(answer *kmsg.ProduceResponse) {
	for i := range r.sent {
		if s := &r.sent[i]; !s.find(answer) {
			s.err = fmt.Errorf("topic %s, shard %d: %w", s.topic.name, s.shard.index, errNoAnswer)
		}
	}
}

// find tells whether the answer mentions the shard.
func (s *shipment) find(answer *kmsg.ProduceResponse) bool {
	for i := range answer.Topics {
		t := &answer.Topics[i]
		if t.Topic != s.topic.name && (t.Topic != "" || t.TopicID != s.id) {
			continue
		}
		for _, partition := range t.Partitions {
			if partition.Partition == s.shard.index {
				s.err = kerr.ErrorForCode(partition.ErrorCode)
				return true
			}
		}
	}
	return false
}

// guard, deferred, gives the chunks of a request back to Fluent Bit when
// something has panicked.
func (p *Producer) guard(r *request) {
	cause := recover()
	if cause == nil {
		return
	}
	p.observer.Panicked(cause)
	dropped := p.giveUp(r)
	dropped.tell(p)
}

// giveUp takes a request off its broker and shards, and returns its batches.
func (p *Producer) giveUp(r *request) (dropped outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.broker.sending == r {
		r.broker.sending = nil
	}
	for i := range r.sent {
		if s := r.sent[i].shard; s.sending == r { // it may have a next one already
			s.sending = nil
		}
		dropped.dropped = append(dropped.dropped, r.sent[i].batch)
	}
	return dropped
}
