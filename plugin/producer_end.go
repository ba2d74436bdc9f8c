package plugin

import "time"

// keptTopic is how long a topic without records is remembered.
const keptTopic = 10 * time.Minute

// tick forgets topics that got nothing for long: logstore_key may name many.
func (p *producer) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	carried := p.carried()
	for name, t := range p.topics {
		if !t.active && now.Sub(t.used) > keptTopic && !carried[t] {
			delete(p.topics, name)
		}
	}
}

// carried are the topics of which a request has a batch. The shard it is for may
// be gone, and the batch come back to its topic all the same.
func (p *producer) carried() map[*topic]bool {
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

// hurry ends every wait after a failure.
func (p *producer) hurry() {
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

// close lets go of every batch. Requests on the way end with the client.
func (p *producer) close() {
	dropped := p.shut()
	dropped.tell(p.out)
}

// shut takes nothing more, and returns the batches that were not sent.
func (p *producer) shut() (dropped outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
func (p *producer) guard(r *request) {
	cause := recover()
	if cause == nil {
		return
	}
	p.out.panicked(cause)
	dropped := p.giveUp(r)
	dropped.tell(p.out)
}

// giveUp takes a request off its broker and shards, and returns its batches.
func (p *producer) giveUp(r *request) (dropped outcome) {
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
