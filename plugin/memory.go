package plugin

import (
	"math/bits"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/encoder"
)

// memory is what a chunk needs while in flight.
type memory struct {
	values  []byte // of its records, with their keys and routes, back to back
	records []kgo.Record
}

const (
	// clientRoom is what the client keeps for a record (its promise, in slices
	// that grow by doubling), and what a failed one takes in the chunk.
	clientRoom = 96
	// chunkRoom is what a chunk takes besides its records.
	chunkRoom  = 1024
	recordSize = int64(unsafe.Sizeof(kgo.Record{}))
)

// size is the bytes m holds on to, in use or not.
func (m *memory) size() int64 { return int64(cap(m.values)) + int64(cap(m.records))*recordSize }

// room is what a chunk of n records takes that is encoded in m.
func (m *memory) room(n int) int64 {
	missing := max(0, n-cap(m.records))
	return m.size() + int64(missing)*recordSize + int64(n)*clientRoom + chunkRoom
}

const (
	// keptMemory bounds what memories hold on to while no chunk needs it, in bytes.
	keptMemory = 16 << 20
	// idleMemory is how long they do.
	idleMemory = 15 * time.Second
)

// memories keep the memory of chunks that ended for those to come. The garbage
// collector's own pool would be emptied at each collection, and these pieces
// are most of the heap: it would collect because of them, again and again.
type memories struct {
	mu   sync.Mutex
	free [64][]*memory // by the logarithm of their size
	kept int64
	// batches are what the encoder works in; one for each thread that encodes
	// at the same time.
	batches []*encoder.Batch
	used    time.Time // when one was taken last
}

// take returns memory for a chunk that is likely to need so much room: one of
// about that size, so that small chunks do not sit on large pieces.
func (s *memories) take(room int64) *memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
	class := bits.Len64(uint64(room))
	for _, class := range [...]int{class, class - 1, class + 1} {
		pieces := s.free[max(0, class)]
		if last := len(pieces) - 1; last >= 0 {
			m := pieces[last]
			pieces[last] = nil
			s.free[class] = pieces[:last]
			s.kept -= m.size()
			return m
		}
	}
	return new(memory)
}

// put takes back the memory of a chunk that ended.
func (s *memories) put(m *memory) {
	m.values = m.values[:0]
	clear(m.records) // what they point at may be garbage now
	m.records = m.records[:0]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept+m.size() > keptMemory {
		return
	}
	s.kept += m.size()
	class := bits.Len64(uint64(m.size()))
	s.free[class] = append(s.free[class], m)
}

// batch returns one to encode in, until unbatch.
func (s *memories) batch() *encoder.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.batches) - 1
	if last < 0 {
		return new(encoder.Batch)
	}
	b := s.batches[last]
	s.batches = s.batches[:last]
	return b
}

// unbatch takes back a batch whose values went elsewhere.
func (s *memories) unbatch(b *encoder.Batch) {
	b.Buf = nil
	b.Reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Size() <= keptMemory {
		s.batches = append(s.batches, b)
	}
}

// tick lets everything go when nothing was taken for a while. It is called
// about once a second.
func (s *memories) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.used) > idleMemory {
		s.free, s.kept, s.batches = [64][]*memory{}, 0, nil
	}
}

// grown returns the values' memory with room for a chunk of so many bytes of
// msgpack: growing it piece by piece would leave several times its size to the
// garbage collector.
func (m *memory) grown(length int) []byte { return slices.Grow(m.values, length+length/4) }
