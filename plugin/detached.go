package plugin

import (
	"hash/maphash"
	"sync"
)

// keptLeftovers bounds what is remembered of flushes whose wait was cut short.
const keptLeftovers = 1024

// leftovers are chunks whose flush waited no longer, in blocking mode, while
// their records were on the way. When Fluent Bit gives such a chunk again it
// takes up where it was, instead of being sent twice.
type leftovers struct {
	mu     sync.Mutex
	seed   maphash.Seed
	chunks map[chunkKey]*Chunk
}

type chunkKey struct {
	hash   uint64
	length int
	tag    string
}

func (l *leftovers) key(tag string, data []byte) chunkKey {
	return chunkKey{maphash.Bytes(l.seed, data), len(data), tag}
}

func (l *leftovers) put(c *Chunk, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.chunks == nil {
		l.seed, l.chunks = maphash.MakeSeed(), make(map[chunkKey]*Chunk)
	}
	for k, old := range l.chunks {
		if len(l.chunks) < keptLeftovers {
			break
		}
		if old.state() != Pending { // Fluent Bit has dropped it
			delete(l.chunks, k)
		}
	}
	l.chunks[l.key(c.tag, data)] = c
}

func (l *leftovers) take(tag string, data []byte) *Chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.chunks) == 0 {
		return nil
	}
	k := l.key(tag, data)
	c := l.chunks[k]
	delete(l.chunks, k)
	return c
}
