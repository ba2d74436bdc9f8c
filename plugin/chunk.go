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
	out    *Output
	tag    string
	length int         // bytes of msgpack
	start  time.Time   // when it came
	worker atomic.Bool // it came on a thread that the host joins at shutdown
	place  int         // among the live ones of out, whose lock guards it

	// Guarded by the buffer.
	admitted bool
	room     int64

	begun   atomic.Bool  // encoded, or let go before
	pending atomic.Int64 // records that are neither acknowledged nor rejected
	unread  bool         // not one record could be read

	mu      sync.Mutex
	letters []byte // dead letters to be written before the chunk ends
	waker   Waker  // nil: nobody waits
	reading bool   // the data is being read: Fluent Bit must not free it
	missed  bool   // a wake came while it was read
	result  Result
}

// wake tells whoever waits for c, if anybody still does. A wake that comes while
// the chunk is read is kept for the end of that: the chunk may have been given
// the room that its encoding just now turned out to lack.
func (c *Chunk) wake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waker
	if w == nil {
		return false
	}
	if c.reading {
		c.missed = true
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
	if c.out.buffer.admittedNow(c) && c.begun.CompareAndSwap(false, true) {
		c.begin(data)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result != Pending {
		c.waker = nil
	}
	return c.result
}

// begin encodes the chunk and hands its records to the client, unless there
// turns out to be no room for them.
func (c *Chunk) begin(data []byte) {
	o := c.out
	c.read()
	defer c.hasRead()
	defer o.contain(c)
	if !o.closed() && c.encode(data) {
		return
	}
	// The end of the output takes what has not begun (letGo). It may have come
	// by while this chunk looked begun.
	c.begun.Store(false)
	if o.closed() && c.begun.CompareAndSwap(false, true) {
		c.finish(Retry)
	}
}

func (c *Chunk) state() Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// read keeps the chunk from ending until hasRead. Its first records may come to
// an end while the others are encoded.
func (c *Chunk) read() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = true
}

// hasRead lets the chunk end, and passes on the wake that was missed. What it
// wakes may advance the chunk at once.
func (c *Chunk) hasRead() {
	c.mu.Lock()
	c.reading = false
	r, missed := c.result, c.missed
	c.missed = false
	c.mu.Unlock()
	switch {
	case r != Pending:
		c.end(r)
	case missed:
		c.wake()
	}
}

// finish gives the chunk its result, for whoever works on it last. Only the
// first result counts.
func (c *Chunk) finish(r Result) {
	c.mu.Lock()
	first := c.result == Pending
	if first {
		c.result = r
	}
	ends := first && !c.reading
	c.mu.Unlock()
	if ends {
		c.end(r)
	}
}

// end lets go of the chunk, which has its result.
func (c *Chunk) end(r Result) {
	if r == OK {
		c.out.stats.chunks.Add(1)
	}
	c.out.buffer.leave(c)
	c.wake()
	c.out.remove(c)
}

// letGo ends a chunk that has not begun.
func (c *Chunk) letGo() {
	if c.begun.CompareAndSwap(false, true) {
		c.finish(Retry)
	}
}

// Detach ends a flush that waits no longer; its result to Fluent Bit must be
// Retry. data is the chunk's msgpack. A chunk that still waits for room gives
// up its place: nobody could encode it, and Fluent Bit may never submit it again.
func (c *Chunk) Detach(data []byte) {
	c.mu.Lock()
	c.waker = nil
	c.mu.Unlock()
	if c.begun.CompareAndSwap(false, true) {
		c.finish(Retry)
		return
	}
	c.out.left.put(c, data)
}

func (c *Chunk) adopt(w Waker, worker bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waker = w
	c.worker.Store(worker)
}
