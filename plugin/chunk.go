package plugin

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

// Waker tells the flush that waits for a chunk to call Advance. Wake may be
// called from any goroutine, more often than needed, and must not block.
type Waker interface{ Wake() }

// Chunk is one flush of Fluent Bit on its way to the broker.
type Chunk struct {
	out    *Output
	tag    string
	length int         // bytes of msgpack
	start  time.Time   // when it came
	worker atomic.Bool // it came on a thread that the host joins at shutdown

	// Guarded by the buffer.
	admitted bool
	room     int64

	// A chunk is worked on by one goroutine after another: the flush that
	// encodes it, the client's promises, the timer that sends again, the one
	// that takes batches apart. Each hands over by what it does last.
	begun   atomic.Bool // encoded, or let go before
	memory  *memory
	promise func(*kgo.Record, error) // c.acknowledged, made once
	sent    int                      // records of the current pass
	bytes   int64                    // of their values
	pending atomic.Int64             // of them, those the client still has
	failed  []failure                // records that came back, of the current pass
	attempt int                      // passes that ended with failures, in a row
	timer   *time.Timer
	letters []byte // dead letters to be written before the chunk ends
	unread  bool   // not one record could be read

	mu     sync.Mutex
	waker  Waker // nil: nobody waits
	result Result
}

// failure is a record the client gave back.
type failure struct {
	record *kgo.Record
	err    error
}

// wake tells whoever waits for c, if anybody still does.
func (c *Chunk) wake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waker == nil {
		return false
	}
	c.waker.Wake()
	return true
}

// Advance moves the chunk on as far as it goes without waiting and says how it
// stands. data is the chunk's msgpack; it is read during the call only. After
// any result but Pending the chunk's waker is not used again. It must be called
// on a thread of Fluent Bit.
func (c *Chunk) Advance(data []byte) Result {
	defer c.out.log.Drain()
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

// finish gives the chunk its result, for whoever works on it last. Only the
// first result counts.
func (c *Chunk) finish(r Result) {
	c.mu.Lock()
	first := c.result == Pending
	if first {
		c.result = r
	}
	c.mu.Unlock()
	if !first {
		return
	}
	m := c.memory
	c.memory, c.failed, c.letters = nil, nil, nil
	if r == OK {
		c.out.stats.chunks.Add(1)
	}
	if m != nil {
		c.out.memories.put(m)
	}
	c.out.buffer.leave(c)
	c.wake()
	c.out.remove(c)
}

// letGo ends a chunk that nobody works on: one that waits for room or to be
// sent again. The others end when the client closes.
func (c *Chunk) letGo() {
	if c.begun.CompareAndSwap(false, true) {
		c.finish(Retry)
		return
	}
	c.mu.Lock()
	stopped := c.timer != nil && c.timer.Stop()
	c.mu.Unlock()
	if stopped {
		c.out.stats.waiting.Add(-1)
		c.finish(Retry)
	}
}

// hurry ends the wait of a chunk whose records are to be sent again.
func (c *Chunk) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil && c.timer.Stop() {
		c.timer.Reset(0)
	}
}
