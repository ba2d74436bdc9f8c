package produce

import "time"

// Ask asks the broker about topics, before there are records for them. Observer.Found or
// Observer.Failed tells the answer; if the request fails as a whole it is sent again.
func (p *Producer) Ask(topics ...string) {
	p.mu.Lock()
	defer p.unlock()
	if p.closed || len(topics) == 0 {
		return
	}
	now := time.Now()
	for _, topic := range topics {
		t := p.activeTopicLocked(topic, now)
		t.asked, t.found = true, false
	}
	p.scheduleLocked() // once: it looks at all active topics, and there may be thousands
}

// Forget forgets a topic that has no records, as it is forgotten after a while without.
func (p *Producer) Forget(topic string) {
	p.mu.Lock()
	defer p.unlock()
	if t := p.topics[topic]; t != nil && t.outside == 0 && t.empty() {
		t.asked = false
		p.pruneActiveLocked()
		delete(p.topics, topic)
	}
}

// Divert gives the records that wait for a topic to another one.
func (p *Producer) Divert(from, to string) {
	p.mu.Lock()
	defer p.unlock()
	f := p.topics[from]
	if p.closed || f == nil {
		return
	}
	now := time.Now()
	t := p.activeTopicLocked(to, now)
	f.eachQueue(func(q *queue) {
		if q == &f.unassigned {
			p.moveQueueLocked(q, &t.unassigned, now)
		} else {
			p.moveQueueLocked(q, &t.shared, now)
		}
	})
	if len(t.partitions) > 0 {
		p.assignPartitionsLocked(t, now)
	}
	p.scheduleLocked()
}

// Reject rejects the records that wait for a topic, with err, but for those that are
// being compressed at the moment: it is to be called again.
func (p *Producer) Reject(topic string, err error) {
	p.mu.Lock()
	defer p.unlock()
	t := p.topics[topic]
	if p.closed || t == nil {
		return
	}
	t.eachQueue(func(q *queue) {
		if q.open != nil {
			b := q.takeOpen()
			b.to(ready)
			q.fresh = append(q.fresh, b)
		}
		var kept []*batch
		for _, b := range q.takeAll() {
			switch {
			case b.state == ready:
				p.rejectLocked(b, err)
			case q == &t.unassigned: // closed, and not compressed before it is assigned
				b.to(ready)
				p.rejectLocked(b, err)
			default:
				kept = append(kept, b)
			}
		}
		q.fresh = kept
	})
}
