package produce

import (
	"slices"
	"time"

	"out_sls_kafka/plugin/failure"
)

// outcome is what became of the batches of a request that will not be sent
// again.
type outcome struct {
	arrived  []*batch
	rejected []rejected
	dropped  []*batch // their owners get the records back
}

// rejected is a batch of one record, and why the broker does not take it.
type rejected struct {
	batch *batch
	err   error
}

// tell tells the owners.
func (s *outcome) tell(p *Producer) {
	for _, b := range s.arrived {
		p.arrived(b)
		for _, part := range b.parts {
			p.acked(part)
		}
		p.pool.put(b.wire)
	}
	for _, r := range s.rejected {
		err := r.batch.each(func(o Owner, key, value []byte, millis int64) {
			p.rejected(o, Record{r.batch.queue.topic.name, key, value, millis}, r.err)
		})
		if err != nil {
			p.observer.Panicked(err)
			s.dropped = append(s.dropped, r.batch)
		}
	}
	for _, b := range s.dropped {
		if b.waits {
			b.waits = false
			p.retrying.Add(-1)
		}
		for _, part := range b.parts {
			p.released(part)
		}
	}
}

// A panic of whoever is told ends there: the others must hear of their records,
// and each of them once.

func (p *Producer) arrived(b *batch) {
	defer p.contain()
	p.observer.Acked(b.queue.topic.name, b.count, b.bytes)
}

func (p *Producer) failed(topic string, err error) {
	defer p.contain()
	p.observer.Failed(topic, err)
}

func (p *Producer) acked(of part) {
	defer p.contain()
	of.owner.Acked(of.records)
}

func (p *Producer) rejected(o Owner, r Record, err error) {
	defer p.contain()
	o.Rejected(r, err)
}

func (p *Producer) released(of part) {
	defer p.contain()
	of.owner.Released(of.records)
}

// settle decides what becomes of each batch of a request that is over; lost is
// why there was no answer, or nil.
func (p *Producer) settle(r *request, lost error) {
	settled := p.sort(r, lost)
	for i := range r.sent {
		if s := &r.sent[i]; s.err != nil {
			p.failed(s.topic.name, s.err)
		}
	}
	settled.tell(p)
}

func (p *Producer) sort(r *request, lost error) (settled outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	r.broker.sending = nil
	if lost == nil {
		r.broker.pause = pause{}
	} else {
		r.broker.pause.fail(now, p.options.Backoff)
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
			s.fail(now, p.options.Backoff)
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
func (s *shipment) fail(now time.Time, backoff func(int) time.Duration) {
	s.refresh()
	s.shard.floor = now.Add(min(produceFloor, backoff(1)))
	if failure.Of(s.err).Scope == failure.Topic {
		s.topic.pause.fail(now, backoff)
	} else {
		s.shard.pause.fail(now, backoff)
	}
}

// refresh has the shards of the topic asked for soon, also while that waits for
// the leader of another shard. metadataFloor bounds how often.
func (s *shipment) refresh() {
	s.topic.stale = true
	s.topic.asks.hurry()
}

// again puts batches that failed back at the head of their queue.
func (p *Producer) again(batches ...*batch) {
	q := batches[0].queue
	if q.shard != nil && q.shard.gone {
		q = &q.topic.any
	}
	for _, b := range batches {
		b.queue, b.waits = q, true
	}
	p.retrying.Add(int64(len(batches)))
	q.line = slices.Insert(q.line, 0, batches...)
	p.activate(q.topic)
}
