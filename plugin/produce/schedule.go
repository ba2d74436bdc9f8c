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
	n, sends := len(p.activeTopics), false
	for i := range n {
		t := p.activeTopics[(p.startTopic+i)%n]
		if t.asked || t.needsMetadata(now) {
			stale = append(stale, t)
		}
		sends = p.scheduleTopicLocked(t, now) || sends
	}
	if sends { // else the turn would go by who calls, and how often
		p.startTopic++
	}
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
		if t.active = t.asked || !t.empty(); t.active {
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
	defer p.unlock()
	p.scheduleLocked()
}

// wakeAtLocked has scheduleLocked called at that time, or before.
func (p *Producer) wakeAtLocked(when time.Time) {
	if p.nextWake.IsZero() || when.Before(p.nextWake) {
		p.nextWake = when
	}
}

// scheduleTopicLocked adds the batches of a topic that can be sent to requests. It
// tells whether there are any.
func (p *Producer) scheduleTopicLocked(t *topic, now time.Time) (sends bool) {
	if !t.backoff.Ready(now) {
		p.wakeAtLocked(t.backoff.until)
		return false
	}
	n := len(t.partitions)
	for i := range n {
		part := t.partitions[(t.startPartition+i)%n]
		if part.queue.empty() && t.shared.empty() || !p.sendableLocked(part, now) {
			continue
		}
		sends = p.offerLocked(part, now) || sends
	}
	if sends {
		t.startPartition++
	}
	return sends
}

// sendableLocked tells whether a batch can be sent to part now.
func (p *Producer) sendableLocked(part *partition, now time.Time) bool {
	if part.inflight != nil || part.leader < 0 || part.broker.inflight != nil {
		return false
	}
	for _, until := range [...]time.Time{part.backoff.until, part.notBefore, part.broker.backoff.until} {
		if now.Before(until) {
			p.wakeAtLocked(until)
			return false
		}
	}
	return true
}

// A partition takes one batch of the side line before others each sideShare batches, so
// that fresh ones, which are many, do not hold it up for ever; each holdingShare while
// it holds: what is left of a refused batch may be what shows that the service
// takes records.
const (
	sideShare    = 4
	holdingShare = 2
)

// offerLocked sends a batch, if there is one, to part, which is sendable. It tells
// whether there is.
func (p *Producer) offerLocked(part *partition, now time.Time) bool {
	t := part.queue.topic
	order, share := &usualOrder, sideShare
	if part.backoff.Failing() || t.backoff.Failing() || part.broker.backoff.Failing() {
		order = &failingOrder
	}
	if t.suspects.holds(part) {
		share = holdingShare
	}
	if part.offers%share == share-1 {
		order = &sideOrder
	}
	for _, l := range order {
		for _, q := range [...]*queue{&part.queue, &t.shared} {
			if p.offerFirstLocked(q, l, part, now) {
				part.offers++
				return true
			}
		}
	}
	return false
}

// offerFirstLocked sends the first batch of a line to part. It returns false if
// there is none, or no room in the request.
func (p *Producer) offerFirstLocked(q *queue, l line, part *partition, now time.Time) bool {
	for {
		b, wake := q.first(l, now)
		if b == nil {
			if !wake.IsZero() {
				p.wakeAtLocked(wake)
			}
			return false
		}
		if err := q.topic.ages.refuses(b.minMillis, b.maxMillis, now); err != nil && b.state == ready {
			q.remove(b, l)
			p.rejectLocked(b, err)
			continue
		}
		if l == sideLine && b.belongsElsewhere(part, now) {
			return false
		}
		if l == sideLine && b.postpone(part, now, p.options.Backoff) {
			q.remove(b, l)
			q.side.add(b, now)
			continue
		}
		if !p.addToRequestLocked(b, part, now) {
			return false
		}
		q.remove(b, l)
		return true
	}
}

func (p *Producer) endLingerLocked() {
	for _, t := range p.activeTopics {
		t.eachQueue(func(q *queue) { q.lingerUntil = time.Time{} })
	}
	p.scheduleLocked()
}
