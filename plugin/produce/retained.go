package produce

import "unsafe"

// Retained is what a producer holds at one moment.
type Retained struct {
	Batches int
	Topics  int
	Bytes   int64 // of batches and topics
	Kept    int64 // of the buffers in the pool
}

// Retained counts what the producer holds, by looking at all of it: simulations
// compare it with what is accounted for.
func (p *Producer) Retained() (r Retained) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.topics {
		r.Topics++
		r.Bytes += int64(unsafe.Sizeof(*t)) + int64(len(t.name))
		t.eachQueue(func(q *queue) {
			q.each(r.add)
		})
	}
	for _, b := range p.brokers {
		if b.inflight != nil {
			for i := range b.inflight.batches {
				r.add(b.inflight.batches[i].batch)
			}
		}
	}
	p.rejections.retained(&r)
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	r.Kept = int64(p.pool.heldBytes)
	return r
}

func (r *Retained) add(b *batch) {
	r.Batches++
	r.Bytes += int64(unsafe.Sizeof(*b)) + int64(cap(b.wire)) + int64(cap(b.runs))*int64(unsafe.Sizeof(run{}))
}
