package plugin

import (
	"sync"
	"sync/atomic"
	"time"
)

// Result is how a chunk stands, with Fluent Bit's numbers.
// Source: Fluent Bit, include/fluent-bit/flb_output.h.
type Result int

const (
	// Pending: ask again after the next wake.
	Pending Result = -1
	// Error: not one record could be read from the chunk.
	Error Result = 0
	// OK: every record was acknowledged, or rejected and accounted for.
	OK Result = 1
	// Retry: the plugin lets go of the chunk; Fluent Bit must give it again.
	Retry Result = 2
)

// Waker is what a chunk wakes, from any goroutine: the flush that waits for it.
// It must not block.
type Waker interface {
	// Wake gives the chunk's result. Pending asks for Advance instead, and may
	// come more often than needed; any other result comes once, and is the last
	// call, unless Advance has returned it before.
	Wake(Result)
}

// Chunk is one flush of Fluent Bit on its way to the broker.
type Chunk struct {
	out       *Output
	tag       string
	length    int // bytes of msgpack
	submitted time.Time
	onWorker  atomic.Bool // it came on a thread that the host joins at shutdown
	liveIndex int         // in out.live; guarded by out.mu

	// Guarded by out.admission.
	admitted bool
	reserved int64 // bytes, estimated until the chunk is encoded

	claimed    atomic.Bool  // somebody encodes it, or ends it without
	pending    atomic.Int64 // records that are neither acknowledged nor rejected
	unreadable bool         // not one record could be read

	mu                 sync.Mutex
	pendingDeadLetters []byte // lines to be written before the chunk is done
	waker              Waker  // nil: nobody waits
	reading            bool   // the data is being read: Fluent Bit must not free it
	missedWake         bool   // wake was called while it was read
	result             Result
}

// wake calls the waker, unless nobody waits any more. A wake while the chunk is
// being read is kept until endReading: the chunk may have been admitted just after
// its encoding found no room, and nobody would advance it.
func (c *Chunk) wake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waker
	if w == nil {
		return false
	}
	if c.reading {
		c.missedWake = true
		return false
	}
	if c.result != Pending {
		c.waker = nil
	}
	w.Wake(c.result)
	return true
}

// Advance moves the chunk on as far as it goes without waiting and says how it
// stands. data is the chunk's msgpack; it is read during the call only. After
// any result but Pending the chunk's waker is not used again.
func (c *Chunk) Advance(data []byte) Result {
	if c.out.admission.isAdmitted(c) && c.claimed.CompareAndSwap(false, true) {
		c.startEncoding(data)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result != Pending {
		c.waker = nil
	}
	return c.result
}

// startEncoding encodes the chunk and adds its records to the producer, unless there
// turns out to be no room for them.
func (c *Chunk) startEncoding(data []byte) {
	o := c.out
	c.beginReading()
	defer c.endReading()
	defer o.recoverPanic(c)
	if !o.closed() && c.encode(data) {
		return
	}
	// stop cancels chunks that are not claimed. It may have run while this one was.
	c.claimed.Store(false)
	if o.closed() && c.claimed.CompareAndSwap(false, true) {
		c.setResult(Retry)
	}
}

func (c *Chunk) currentResult() Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// beginReading keeps the chunk from being done until endReading: all records so far
// may be acknowledged while the others are still to be encoded.
func (c *Chunk) beginReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = true
}

// endReading lets the chunk be done, and makes up for a missed wake. Who is woken
// may advance the chunk at once.
func (c *Chunk) endReading() {
	c.mu.Lock()
	c.reading = false
	r, missedWake := c.result, c.missedWake
	c.missedWake = false
	c.mu.Unlock()
	switch {
	case r != Pending:
		c.notifyDone(r)
	case missedWake:
		c.wake()
	}
}

// setResult gives the chunk its result. Only the first result counts.
func (c *Chunk) setResult(r Result) {
	c.mu.Lock()
	first := c.result == Pending
	if first {
		c.result = r
	}
	ends := first && !c.reading
	c.mu.Unlock()
	if ends {
		c.notifyDone(r)
	}
}

// notifyDone releases what the chunk, which has its result, holds, and wakes the
// flush.
func (c *Chunk) notifyDone(r Result) {
	if r == OK {
		c.out.stats.chunks.Add(1)
	}
	c.out.admission.release(c)
	c.wake()
	c.out.removeLive(c)
}

// cancel ends a chunk that is not claimed.
func (c *Chunk) cancel() {
	if c.claimed.CompareAndSwap(false, true) {
		c.setResult(Retry)
	}
}

// Detach ends a flush that waits no longer; its result to Fluent Bit must be
// Retry. data is the chunk's msgpack. A chunk that still waits for room gives
// up its place: nobody could encode it, and Fluent Bit may never submit it again.
func (c *Chunk) Detach(data []byte) {
	c.mu.Lock()
	c.waker = nil
	c.mu.Unlock()
	if c.claimed.CompareAndSwap(false, true) {
		c.setResult(Retry)
		return
	}
	c.out.detached.put(c, data)
}

// reattach gives a detached chunk to a new flush.
func (c *Chunk) reattach(w Waker, onWorker bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waker = w
	c.onWorker.Store(onWorker)
}
