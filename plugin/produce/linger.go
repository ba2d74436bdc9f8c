package produce

import "time"

// Hold keeps everything back until release is called, which must be once. Release
// sends what was held back, and lets nothing linger.
func (p *Producer) Hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
	return p.release
}

func (p *Producer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	p.endLinger()
}

// Flush sends open batches without waiting for linger.
func (p *Producer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLinger()
}

func (p *Producer) endLinger() {
	for _, t := range p.active {
		t.queues(func(q *queue) { q.due = time.Time{} })
	}
	p.advance()
}
