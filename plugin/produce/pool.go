package produce

import (
	"bytes"
	"math/bits"
	"sync"
	"time"
)

const (
	// poolMaxBytes bounds the memory of a pool's unused buffers, in bytes.
	poolMaxBytes = 16 << 20
	// poolIdleTimeout is how long they are kept after the last use of the pool.
	poolIdleTimeout = 15 * time.Second
	// poolMinBuffer is the capacity of the smallest buffer, in bytes.
	poolMinBuffer = 1 << 10
)

// pool keeps the buffers of batches for the next batches. A sync.Pool would be
// emptied at each garbage collection, and these buffers are most of the heap: it
// would collect because of them, again and again.
type pool struct {
	batchBytes int // capacity of a full batch: no buffer for less gets more

	mu        sync.Mutex
	freeList  [64][][]byte // unused buffers, by the logarithm of their capacity
	heldBytes int          // capacity of the unused buffers
	lastUsed  time.Time    // of get

	scratches []*bytes.Buffer // to compress in; one for each goroutine that does
}

// get returns an empty buffer with room for size bytes.
func (p *pool) get(size int) []byte {
	class := bits.Len(uint(max(size, poolMinBuffer) - 1))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastUsed = time.Now()
	list := p.freeList[class]
	if last := len(list) - 1; last >= 0 && cap(list[last]) >= size {
		buf := list[last]
		list[last] = nil
		p.freeList[class] = list[:last]
		p.heldBytes -= cap(buf)
		return buf
	}
	capacity := 1 << class
	if size <= p.batchBytes {
		capacity = min(capacity, p.batchBytes)
	}
	return make([]byte, 0, capacity)
}

// put takes back a buffer that nobody uses any more.
func (p *pool) put(buf []byte) {
	if cap(buf) < poolMinBuffer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heldBytes+cap(buf) > poolMaxBytes {
		return
	}
	p.heldBytes += cap(buf)
	class := bits.Len(uint(cap(buf) - 1))
	p.freeList[class] = append(p.freeList[class], buf[:0])
}

// getScratch returns a buffer to compress in, until putScratch.
func (p *pool) getScratch() *bytes.Buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.scratches) - 1
	if last < 0 {
		return new(bytes.Buffer)
	}
	b := p.scratches[last]
	p.scratches = p.scratches[:last]
	return b
}

func (p *pool) putScratch(b *bytes.Buffer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scratches = append(p.scratches, b)
}

// tick frees the unused buffers when the pool has been idle. It is called about
// once a second.
func (p *pool) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.lastUsed) > poolIdleTimeout {
		p.freeList, p.heldBytes, p.scratches = [64][][]byte{}, 0, nil
	}
}
