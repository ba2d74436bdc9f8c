package plugin

import (
	"hash/maphash"
	"sync"
)

// maxDetached bounds the detached chunks, unless more than that are in flight. It is
// the most tasks that Fluent Bit has, so that none is forgotten that it may submit.
// Source: Fluent Bit, include/fluent-bit/flb_config.h.
const maxDetached = 16384

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
	if len(d.chunks) >= maxDetached {
		d.forgetLocked()
	}
	d.chunks[d.key(c.tag, data)] = c
}

// forgetLocked forgets the oldest chunk that has its result: Fluent Bit did not submit
// it again.
func (d *detachedChunks) forgetLocked() {
	var oldest *Chunk
	var at chunkKey
	for k, c := range d.chunks {
		if c.currentResult() != Pending && (oldest == nil || c.submitted.Before(oldest.submitted)) {
			oldest, at = c, k
		}
	}
	if oldest != nil {
		delete(d.chunks, at)
	}
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
