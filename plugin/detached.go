package plugin

import (
	"hash/maphash"
	"sync"
)

// maxDetached bounds the detached chunks, unless more than that are in flight.
const maxDetached = 1024

// detachedChunks are chunks whose flush, a blocking one, ended by flush_timeout while
// their records were in flight. When Fluent Bit submits such a chunk again, the new
// flush waits for the records that are in flight, instead of sending them twice.
type detachedChunks struct {
	mu     sync.Mutex
	seed   maphash.Seed
	chunks map[chunkKey]*Chunk
}

type chunkKey struct {
	hash   uint64
	length int
	tag    string
}

func (d *detachedChunks) key(tag string, data []byte) chunkKey {
	return chunkKey{maphash.Bytes(d.seed, data), len(data), tag}
}

func (d *detachedChunks) put(c *Chunk, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.chunks == nil {
		d.seed, d.chunks = maphash.MakeSeed(), make(map[chunkKey]*Chunk)
	}
	for k, old := range d.chunks {
		if len(d.chunks) < maxDetached {
			break
		}
		if old.currentResult() != Pending { // Fluent Bit did not submit it again
			delete(d.chunks, k)
		}
	}
	d.chunks[d.key(c.tag, data)] = c
}

func (d *detachedChunks) take(tag string, data []byte) *Chunk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.chunks) == 0 {
		return nil
	}
	k := d.key(tag, data)
	c := d.chunks[k]
	delete(d.chunks, k)
	return c
}
