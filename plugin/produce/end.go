package produce

import (
	"context"
	"fmt"
	"time"
)

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

// RetryNow ends every wait after a failure.
func (p *Producer) RetryNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asks.hurry()
	for _, b := range p.brokers {
		b.pause.hurry()
	}
	for _, t := range p.topics {
		t.asks.hurry()
		t.pause.hurry()
		for _, s := range t.shards {
			s.pause.hurry()
		}
	}
	p.advance()
}

// Close takes nothing more, releases what was not sent, and gives up the requests
// on the way, whose records are released too. It waits for the goroutines of the
// producer, as long as ctx lasts.
func (p *Producer) Close(ctx context.Context) error {
	dropped := p.shut()
	dropped.tell(p)
	done := make(chan struct{})
	go func() {
		defer p.contain()
		defer close(done)
		p.goroutines.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a goroutine of the producer did not end: %w", ctx.Err())
	}
}

// shut takes nothing more, and returns the batches that were not sent.
func (p *Producer) shut() (dropped outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return dropped
	}
	p.closed = true
	p.timer.Stop()
	p.cancel()
	for _, t := range p.active {
		t.queues(func(q *queue) {
			dropped.dropped = append(dropped.dropped, q.line...)
			if q.open != nil {
				dropped.dropped = append(dropped.dropped, q.open)
			}
		})
	}
	p.active = nil
	for _, b := range p.brokers {
		if b.requests != nil {
			close(b.requests)
		}
	}
	return dropped
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
