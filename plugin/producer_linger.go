package plugin

import "time"

// hold keeps everything back until release.
func (p *producer) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
}

// release sends what was held back, and lets nothing linger.
func (p *producer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	p.endLinger()
}

// hasten lets nothing linger.
func (p *producer) hasten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLinger()
}

func (p *producer) endLinger() {
	for _, t := range p.active {
		t.queues(func(q *queue) { q.due = time.Time{} })
	}
	p.advance()
}
