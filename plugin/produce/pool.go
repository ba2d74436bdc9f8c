package produce

import (
	"bytes"
	"math/bits"
	"sync"
	"time"
)

const (
	// keptMemory bounds what a pool holds on to while nothing needs it, in bytes.
	keptMemory = 16 << 20
	// idleMemory is how long they do.
	idleMemory = 15 * time.Second
	// leastMemory is the smallest piece.
	leastMemory = 1 << 10
)

// pool keeps the pieces that batches are made of for those to come. The garbage
// collector's own pool would be emptied at each collection, and these pieces are
// most of the heap: it would collect because of them, again and again.
type pool struct {
	largest int // piece of general use: a full batch

	mu   sync.Mutex
	free [64][][]byte // by the logarithm of their capacity
	kept int
	used time.Time // when something was taken last

	scratches []*bytes.Buffer // to compress in; one for each goroutine that does
}

// take returns an empty piece with room for size bytes.
func (s *pool) take(size int) []byte {
	class := bits.Len(uint(max(size, leastMemory) - 1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
	pieces := s.free[class]
	if last := len(pieces) - 1; last >= 0 && cap(pieces[last]) >= size {
		piece := pieces[last]
		pieces[last] = nil
		s.free[class] = pieces[:last]
		s.kept -= cap(piece)
		return piece
	}
	room := 1 << class
	if size <= s.largest {
		room = min(room, s.largest)
	}
	return make([]byte, 0, room)
}

// put takes back a piece that nobody uses any more.
func (s *pool) put(piece []byte) {
	if cap(piece) < leastMemory {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept+cap(piece) > keptMemory {
		return
	}
	s.kept += cap(piece)
	class := bits.Len(uint(cap(piece) - 1))
	s.free[class] = append(s.free[class], piece[:0])
}

// scratch returns a buffer to compress in, until unscratch.
func (s *pool) scratch() *bytes.Buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.scratches) - 1
	if last < 0 {
		return new(bytes.Buffer)
	}
	b := s.scratches[last]
	s.scratches = s.scratches[:last]
	return b
}

func (s *pool) unscratch(b *bytes.Buffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scratches = append(s.scratches, b)
}

// tick lets everything go when nothing was taken for a while. It is called
// about once a second.
func (s *pool) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.used) > idleMemory {
		s.free, s.kept, s.scratches = [64][][]byte{}, 0, nil
	}
}
