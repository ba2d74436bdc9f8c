package plugin

import (
	"errors"
	"fmt"
	"net"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/failure"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// request is a produce request: a batch for each of some shards of a broker.
type request struct {
	producer *producer
	broker   *broker
	sent     []shipment
	bytes    int
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
func (p *producer) put(b *batch, s *shard) bool {
	leader := p.brokers[s.leader]
	if leader.next == nil {
		leader.next = &request{producer: p, broker: leader}
	}
	r := leader.next
	if len(r.sent) > 0 && (b.alone || r.sent[0].batch.alone || r.bytes+len(b.wire) > connect.MaxRequestBytes) {
		return false
	}
	r.bytes += len(b.wire)
	r.sent = append(r.sent, shipment{b.queue.topic, b.queue.topic.id, s, b, nil})
	s.sending = r
	if b.waits {
		b.waits = false
		p.out.stats.waiting.Add(-1)
		p.out.stats.resent.Add(int64(b.count))
	}
	return true
}

// start sends the request in the background. p.mu is held.
func (r *request) start() {
	b := r.broker
	b.next, b.sending = nil, r
	if b.requests == nil {
		b.requests = make(chan *request, 1) // takes it at once: no other is on the way
		r.producer.out.background(b.send)
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
	defer p.out.contain(nil) // should guard panic too, the next requests are sent
	defer p.guard(r)
	for i := range r.sent {
		b := r.sent[i].batch
		if !b.ready && p.compressors.usual != nil {
			p.compress(b, false)
		}
		b.ready = true
		b.seal()
	}
	answer, err := p.out.client.Broker(int(r.broker.id)).Request(p.ctx, r.message())
	if err == nil {
		r.read(answer)
	}
	p.settle(r, unanswered(err))
}

// unanswered tells an answer that did not come from a broker out of reach.
func unanswered(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "read" && op.Timeout() {
		return fmt.Errorf("%w: %w", failure.ErrNoAnswer, err)
	}
	return err
}

func (r *request) message() *kmsg.ProduceRequest {
	cfg := r.producer.out.cfg
	m := kmsg.NewPtrProduceRequest()
	m.Acks = acks(cfg)
	m.TimeoutMillis = int32(cfg.RequestTimeout.Milliseconds())
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
func (r *request) read(answer kmsg.Response) {
	produced, ok := answer.(*kmsg.ProduceResponse)
	for i := range r.sent {
		if s := &r.sent[i]; !ok || !s.find(produced) {
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

// settle decides what becomes of each batch of a request that is over; lost is
// why there was no answer, or nil.
func (p *producer) settle(r *request, lost error) {
	settled := p.sort(r, lost)
	for i := range r.sent {
		if s := &r.sent[i]; s.err != nil {
			p.out.health.failed(s.topic.name, s.err)
		}
	}
	settled.tell(p.out)
}

func (p *producer) sort(r *request, lost error) (settled outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	r.broker.sending = nil
	if lost == nil {
		r.broker.pause = pause{}
	} else {
		r.broker.pause.fail(now, p.out.cfg)
	}
	for i := range r.sent {
		s := &r.sent[i]
		s.shard.sending = nil
		if lost != nil {
			s.err = lost
		}
		switch {
		case s.err == nil:
			s.shard.pause = pause{}
			s.topic.pause = pause{}
			settled.arrived = append(settled.arrived, s.batch)
		case p.closed:
			settled.dropped = append(settled.dropped, s.batch)
		case lost != nil:
			s.refresh() // another broker may lead the shard by now
			p.again(s.batch)
		case failure.Of(s.err).Action == failure.Split:
			p.apart(s.batch, s.err, &settled)
		default:
			s.fail(now, p.out.cfg)
			p.again(s.batch)
		}
	}
	p.advance()
	return settled
}

// produceFloor is the least time between a batch that failed and the next of
// its shard, or retry_backoff where that is less. News of a leader and another
// shard's success end a pause, and may both come as fast as answers do.
const produceFloor = 250 * time.Millisecond

// fail lets what has failed wait: the shard, if the trouble may be its alone.
func (s *shipment) fail(now time.Time, cfg *config.Config) {
	s.refresh()
	s.shard.floor = now.Add(min(produceFloor, cfg.RetryBackoff))
	if failure.Of(s.err).Scope == failure.Topic {
		s.topic.pause.fail(now, cfg)
	} else {
		s.shard.pause.fail(now, cfg)
	}
}

// refresh has the shards of the topic asked for soon, also while that waits for
// the leader of another shard. metadataFloor bounds how often.
func (s *shipment) refresh() {
	s.topic.stale = true
	s.topic.asks.hurry()
}

// again puts batches that failed back at the head of their queue.
func (p *producer) again(batches ...*batch) {
	q := batches[0].queue
	if q.shard != nil && q.shard.gone {
		q = &q.topic.any
	}
	for _, b := range batches {
		b.queue, b.waits = q, true
	}
	p.out.stats.waiting.Add(int64(len(batches)))
	q.line = slices.Insert(q.line, 0, batches...)
	p.activate(q.topic)
}
