package produce

import "unsafe"

// Retained is what a producer holds at one moment.
type Retained struct {
	Batches int
	Topics  int
	Bytes   int64 // of batches and topics
	Kept    int64 // of the pieces that wait to be used again
}

// Retained counts what the producer holds, by looking at all of it: simulations
// compare it with what is accounted for.
func (p *Producer) Retained() (r Retained) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.topics {
		r.Topics++
		r.Bytes += int64(unsafe.Sizeof(*t)) + int64(len(t.name))
		t.queues(func(q *queue) {
			r.add(q.open)
			for _, b := range q.line {
				r.add(b)
			}
		})
	}
	for _, b := range p.brokers {
		if b.sending != nil {
			for i := range b.sending.sent {
				r.add(b.sending.sent[i].batch)
			}
		}
	}
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	r.Kept = int64(p.pool.kept)
	return r
}

func (r *Retained) add(b *batch) {
	if b != nil {
		r.Batches++
		r.Bytes += int64(unsafe.Sizeof(*b)) + int64(cap(b.wire)) + int64(cap(b.parts))*int64(unsafe.Sizeof(part{}))
	}
}
