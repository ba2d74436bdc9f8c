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

// Detach ends a flush that waits no longer; its result to Fluent Bit must be
// Retry. data is the chunk's msgpack. A chunk that still waits for room gives
// up its place: nobody could encode it, and Fluent Bit may never submit it again. If
// some of its records were sent, the next flush goes on behind them.
func (c *Chunk) Detach(data []byte) {
	c.mu.Lock()
	inSpool := c.spooled != nil // its next flush learns that it is done
	if !inSpool {
		c.waker = nil
	}
	c.mu.Unlock()
	if inSpool || c.park() || !c.cancel() {
		c.out.detached.put(c, data)
	}
}

// park makes a chunk that waits for room for a further piece wait for its next flush
// instead. It returns false for any other chunk.
func (c *Chunk) park() bool {
	c.mu.Lock()
	if c.state != waiting || c.next.Offset == 0 {
		c.mu.Unlock()
		return false
	}
	admitted := c.out.admission.park(c)
	c.mu.Unlock()
	wakeAll(admitted)
	return true
}

// reattach gives a detached chunk to a new flush.
func (c *Chunk) reattach(w Waker, onWorker bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spooled != nil {
		return
	}
	c.waker = w
	c.onWorker.Store(onWorker)
	c.out.admission.unpark(c, c.length-c.next.Offset)
}
