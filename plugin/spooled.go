package plugin

import (
	"sync"

	"out_sls_kafka/plugin/spool"
)

// spooled is what a chunk that is in the spool has in the place of a flush. It is the
// chunk's waker: Fluent Bit has been told that the chunk is done.
type spooled struct {
	chunk *Chunk
	entry *spool.Entry
	from  *unspooler

	waiting  bool // for room; of the unspooler's goroutine
	damaged  bool // it cannot be read; as well
	runnable bool // among the unspooler's work, whose lock guards it
}

// Wake has the unspooler advance the chunk, or end it.
func (s *spooled) Wake(r Result) { s.from.wake(s, r) }

// round is chunks that are copied for the spool together.
type round struct {
	mu     sync.Mutex
	batch  spool.Batch
	chunks []*Chunk // that the entries of the batch are of
	asked  int      // chunks that were neither copied nor ended
	over   bool     // no copy is taken any more
	ready  chan struct{}
}

// add copies a chunk.
func (r *round) add(c *Chunk, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.batch.Add(c.tag, c.submitted, data)
	r.chunks = append(r.chunks, c)
	r.doneLocked()
}

// skip notes that a chunk has its result, and needs no copy.
func (r *round) skip() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doneLocked()
}

func (r *round) doneLocked() {
	if r.asked--; r.asked == 0 && !r.over {
		close(r.ready)
	}
}

// end ends the copying.
func (r *round) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

// askCopy asks for a copy of the chunk, which its next Advance makes. It returns false for
// one that has its result.
func (c *Chunk) askCopy(r *round) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.canBeCopiedLocked() {
		return false
	}
	c.copyFor = r
	return true
}

// canBeCopied tells whether a flush waits for the chunk's result, which Advance copies.
func (c *Chunk) canBeCopied() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.canBeCopiedLocked()
}

func (c *Chunk) canBeCopiedLocked() bool {
	return c.result == Pending && c.waker != nil && c.spooled == nil
}

// copyLocked copies the chunk if that was asked for. c.mu is held.
func (c *Chunk) copyLocked(data []byte) {
	r := c.copyFor
	if r == nil {
		return
	}
	c.copyFor = nil
	if c.result != Pending {
		r.skip()
		return
	}
	r.add(c, data)
}

// skipCopy ends the asking for a copy of a chunk that has its result.
func (c *Chunk) skipCopy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.copyFor; r != nil {
		c.copyFor = nil
		r.skip()
	}
}

// moveToSpool tells Fluent Bit that the chunk, which is an entry of the spool now, is done.
// It goes on as one of the spool: what the producer has of it stays there. It returns
// false if the chunk has its result already, or was stored by another round: Close may
// store while one runs.
func (c *Chunk) moveToSpool(e *spool.Entry, u *unspooler) bool {
	c.mu.Lock()
	w := c.waker
	if !c.canBeCopiedLocked() {
		c.mu.Unlock()
		return false
	}
	c.spooled = &spooled{chunk: c, entry: e, from: u}
	c.waker = c.spooled
	c.onWorker.Store(false)
	c.mu.Unlock()
	c.out.moveLive(c)
	w.Wake(OK)
	switch {
	case c.isUnread():
		c.cancel() // it takes less memory as an entry
	case c.out.admission.isAdmitted(c):
		c.wake() // the wake for its room may have gone to the flush, which is over
	}
	return true
}

// isInSpool tells whether Fluent Bit has been told that the chunk is done.
func (c *Chunk) isInSpool() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spooled != nil
}

// isUnread tells whether the chunk waits, and the producer has nothing of it.
func (c *Chunk) isUnread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == waiting && c.next.Offset == 0
}

// isWaiting tells whether the chunk waits for room.
func (c *Chunk) isWaiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == waiting
}

// moveLive moves a chunk from those that Fluent Bit holds to those of the spool.
func (o *Output) moveLive(c *Chunk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.removed {
		return
	}
	o.live.remove(c)
	o.spooler.holding.chunks.Add(-1)
	c.moved = true
	o.moved.add(c)
}
