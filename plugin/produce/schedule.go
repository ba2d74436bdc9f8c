package produce

import "time"

// scheduleLocked sends what can be sent.
func (p *Producer) scheduleLocked() {
	if p.closed || p.holds > 0 {
		return
	}
	now := time.Now()
	p.nextWake = time.Time{}
	var stale []*topic
	n := len(p.activeTopics)
	for i := range n {
		t := p.activeTopics[(p.startTopic+i)%n]
		if t.needsMetadata(now) {
			stale = append(stale, t)
		}
		p.scheduleTopicLocked(t, now)
	}
	p.startTopic++
	p.requestMetadataLocked(stale, now)
	for _, b := range p.brokers {
		if b.next != nil {
			b.next.startLocked()
		}
	}
	p.pruneActiveLocked()
	if !p.nextWake.IsZero() {
		p.timer.Reset(max(0, p.nextWake.Sub(now)))
	}
}

// pruneActiveLocked removes topics without batches from the active ones.
func (p *Producer) pruneActiveLocked() {
	kept := p.activeTopics[:0]
	for _, t := range p.activeTopics {
		if t.active = !t.empty(); t.active {
			kept = append(kept, t)
		}
	}
	clear(p.activeTopics[len(kept):])
	p.activeTopics = kept
}

// onTimer is called at nextWake.
func (p *Producer) onTimer() {
	defer p.recoverPanic()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scheduleLocked()
}

// wakeAtLocked has scheduleLocked called at that time, or before.
func (p *Producer) wakeAtLocked(when time.Time) {
	if p.nextWake.IsZero() || when.Before(p.nextWake) {
		p.nextWake = when
	}
}

// scheduleTopicLocked adds the batches of a topic that can be sent to requests.
func (p *Producer) scheduleTopicLocked(t *topic, now time.Time) {
	if !t.backoff.ready(now) {
		p.wakeAtLocked(t.backoff.until)
		return
	}
	n := len(t.partitions)
	for i := range n {
		part := t.partitions[(t.startPartition+i)%n]
		if part.queue.empty() && t.shared.empty() || !p.sendableLocked(part, now) {
			continue
		}
		if !p.assignLocked(&part.queue, part, now) {
			p.assignLocked(&t.shared, part, now)
		}
	}
	t.startPartition++
}

// sendableLocked tells whether a batch can be sent to part now.
func (p *Producer) sendableLocked(part *partition, now time.Time) bool {
	if part.inflight != nil || part.leader < 0 || p.brokers[part.leader].inflight != nil {
		return false
	}
	for _, until := range [...]time.Time{part.backoff.until, part.notBefore, p.brokers[part.leader].backoff.until} {
		if now.Before(until) {
			p.wakeAtLocked(until)
			return false
		}
	}
	return true
}

// assignLocked sends a batch of q, if there is one, to part, which is sendable.
func (p *Producer) assignLocked(q *queue, part *partition, now time.Time) bool {
	if b := q.firstReady(); b != nil {
		if !p.addToRequestLocked(b, part) {
			return false
		}
		q.pop()
		return true
	}
	if len(q.closed) > 0 || q.open == nil {
		return false
	}
	if now.Before(q.lingerUntil) {
		p.wakeAtLocked(q.lingerUntil)
		return false
	}
	// It grew until here, since no partition was sendable. Now it is sent at once,
	// and compressed by the goroutine that sends it.
	if !p.addToRequestLocked(q.open, part) {
		return false
	}
	q.takeOpen()
	return true
}

func (p *Producer) endLingerLocked() {
	for _, t := range p.activeTopics {
		t.eachQueue(func(q *queue) { q.lingerUntil = time.Time{} })
	}
	p.scheduleLocked()
}
