package produce

import "time"

// advance sends what can be sent. p.mu is held.
func (p *Producer) advance() {
	if p.closed || p.holds > 0 {
		return
	}
	now := time.Now()
	p.wake = time.Time{}
	var ask []*topic
	n := len(p.active)
	for i := range n {
		t := p.active[(p.turn+i)%n]
		if t.wantsShards(now) {
			ask = append(ask, t)
		}
		p.plan(t, now)
	}
	p.turn++
	p.ask(ask, now)
	for _, b := range p.brokers {
		if b.next != nil {
			b.next.start()
		}
	}
	p.forgetSent()
	if !p.wake.IsZero() {
		p.timer.Reset(max(0, p.wake.Sub(now)))
	}
}

// forgetSent takes topics without batches off the active ones.
func (p *Producer) forgetSent() {
	kept := p.active[:0]
	for _, t := range p.active {
		if t.active = !t.empty(); t.active {
			kept = append(kept, t)
		}
	}
	clear(p.active[len(kept):])
	p.active = kept
}

// timed is called when something has waited long enough.
func (p *Producer) timed() {
	defer p.contain()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance()
}

// at asks for advance to be called then.
func (p *Producer) at(when time.Time) {
	if p.wake.IsZero() || when.Before(p.wake) {
		p.wake = when
	}
}

// plan puts the batches of a topic that can be sent into requests.
func (p *Producer) plan(t *topic, now time.Time) {
	if !t.pause.over(now) {
		p.at(t.pause.until)
		return
	}
	n := len(t.shards)
	for i := range n {
		s := t.shards[(t.turn+i)%n]
		if s.own.empty() && t.any.empty() || !p.free(s, now) {
			continue
		}
		if !p.offer(&s.own, s, now) {
			p.offer(&t.any, s, now)
		}
	}
	t.turn++
}

// free tells whether s can get a batch now.
func (p *Producer) free(s *shard, now time.Time) bool {
	if s.sending != nil || s.leader < 0 || p.brokers[s.leader].sending != nil {
		return false
	}
	for _, until := range [...]time.Time{s.pause.until, s.floor, p.brokers[s.leader].pause.until} {
		if now.Before(until) {
			p.at(until)
			return false
		}
	}
	return true
}

// offer sends s, which is free, a batch of q, if there is one.
func (p *Producer) offer(q *queue, s *shard, now time.Time) bool {
	if b := q.first(); b != nil {
		if !p.put(b, s) {
			return false
		}
		q.pop()
		return true
	}
	if len(q.line) > 0 || q.open == nil {
		return false
	}
	if now.Before(q.due) {
		p.at(q.due)
		return false
	}
	// It grew until here, since no shard was free. Now it goes at once, and is
	// compressed on the way.
	if !p.put(q.open, s) {
		return false
	}
	q.close()
	return true
}

func (p *Producer) endLinger() {
	for _, t := range p.active {
		t.queues(func(q *queue) { q.due = time.Time{} })
	}
	p.advance()
}
