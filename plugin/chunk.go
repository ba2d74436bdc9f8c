package plugin

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"out_sls_kafka/encoder"
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

	// Guarded by out.mu.
	liveIndex int  // in out.live, or out.moved
	moved     bool // to out.moved
	removed   bool // it is in neither

	// Guarded by out.admission.
	account  *account // of the logstore that most records go to, as far as is known
	admitted bool
	parked   bool  // it waits for its next flush
	wanted   int64 // bytes that it waits for
	held     int64 // bytes reserved for pieces that are not encoded

	overdraws bool // its next piece may have room over limit

	// Of the goroutine that encodes.
	next         encoder.Position // of what the producer does not have
	records      int              // before it
	unencoded    int              // events before it that could not be encoded
	recordBytes  int64
	shares       []*share // of each logstore
	byLogstore   map[*logstore]*share
	firstShare   share
	routeIsFixed bool // an option says where all records go
	shareRoom    [1]*share

	pending    atomic.Int64 // records that are neither acknowledged, nor rejected and kept
	unreadable bool         // not one record could be read
	panicked   atomic.Bool  // the plugin failed at it

	mu         sync.Mutex
	state      chunkState
	waker      Waker // nil: nobody waits
	missedWake bool  // wake was called while the chunk was encoded
	result     Result
	copyFor    *round   // the next Advance copies it for this one; nil: none
	spooled    *spooled // it is in the spool, and done for Fluent Bit; nil: it is not
}

// chunkState is where a chunk is on its way. [Chunk.toLocked] changes it.
//
//	waiting --> encoding --> inflight --> done
//	   |  ^        |  |                    ^
//	   |  \no room-/  \-released, closed---|
//	   \-closed, flush_timeout-------------/
type chunkState uint8

const (
	waiting  chunkState = iota // for room, or for Advance after that
	encoding                   // its data is being read: Fluent Bit must not free it
	inflight                   // all its records are the producer's, or wait to be kept
	done                       // it has its result
)

// chunkTransitions are the states that may follow each state.
var chunkTransitions = [...]uint8{
	waiting:  1<<encoding | 1<<done,
	encoding: 1<<waiting | 1<<inflight | 1<<done,
	inflight: 1 << done,
	done:     0,
}

// toLocked changes the state. c.mu is held. Another transition than those of the
// table would end the chunk twice, or never: it panics, and whoever recovers gives the
// chunk back to Fluent Bit.
func (c *Chunk) toLocked(next chunkState) {
	if chunkTransitions[c.state]&(1<<next) == 0 {
		panic(fmt.Sprintf("a chunk cannot be in state %d after %d", next, c.state))
	}
	c.state = next
}

// wake calls the waker, unless nobody waits any more. A wake while the chunk is
// being encoded is kept until endEncoding: the chunk may have been admitted just after
// its encoding found no room, and nobody would advance it.
func (c *Chunk) wake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waker
	if w == nil {
		return false
	}
	if c.state == encoding {
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
	if c.isInSpool() {
		return OK // the unspooler advances it
	}
	c.advance(data)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copyLocked(data)
	if c.spooled != nil {
		return OK
	}
	if c.result != Pending {
		c.waker = nil
	}
	return c.result
}

// advance encodes the chunk, if there is room for it.
func (c *Chunk) advance(data []byte) {
	if c.out.admission.isAdmitted(c) && c.beginEncoding() {
		c.addRecords(data)
	}
}

// addRecords encodes the chunk and adds its records to the producer, unless there
// turns out to be no room for them.
func (c *Chunk) addRecords(data []byte) {
	fits := true // for the sake of a panic, whose chunk has its result
	defer func() { c.endEncoding(fits) }()
	defer c.out.recoverPanic(c)
	if c.out.closed() {
		c.setResult(Retry)
		return
	}
	if fits = c.encode(data); !fits && c.out.interleave != nil {
		c.out.interleave()
	}
}

func (c *Chunk) currentResult() Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// beginEncoding keeps the chunk from being done until endEncoding: all records so far
// may be acknowledged while the others are still to be encoded. It returns false if
// the chunk does not wait to be encoded.
func (c *Chunk) beginEncoding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != waiting {
		return false
	}
	c.toLocked(encoding)
	return true
}

// endEncoding lets the chunk be done, and makes up for a missed wake. Who is woken
// may advance the chunk at once. fits tells whether its records found room.
func (c *Chunk) endEncoding(fits bool) {
	next, missed := c.leaveEncoding(fits)
	switch {
	case next == done:
		c.notifyDone()
	case next == waiting && c.out.closed():
		c.cancel() // stop may have looked while it was encoded
	case missed:
		c.wake()
	}
}

func (c *Chunk) leaveEncoding(fits bool) (next chunkState, missedWake bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.result != Pending:
		c.toLocked(done)
	case fits:
		c.toLocked(inflight)
	default:
		c.toLocked(waiting)
	}
	missedWake, c.missedWake = c.missedWake, false
	return c.state, missedWake
}

// setResult gives the chunk its result. Only the first result counts.
func (c *Chunk) setResult(r Result) {
	if c.takeResult(r) {
		c.notifyDone()
	}
}

// takeResult tells whether the chunk is done now. While it is being encoded,
// endEncoding ends it.
func (c *Chunk) takeResult(r Result) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result != Pending {
		return false
	}
	c.result = r
	if c.state == encoding {
		return false
	}
	c.toLocked(done)
	return true
}

// notifyDone releases what the chunk, which has its result, holds, and wakes the
// flush.
func (c *Chunk) notifyDone() {
	c.out.admission.end(c)
	c.wake()
	c.out.removeLive(c)
	c.skipCopy()
}

// cancel ends a chunk that waits. It returns false for any other.
func (c *Chunk) cancel() bool {
	c.mu.Lock()
	waits := c.state == waiting
	if waits {
		c.result = Retry
		c.toLocked(done)
	}
	c.mu.Unlock()
	if waits {
		c.notifyDone()
	}
	return waits
}

// GiveBack ends a chunk that waits with Retry.
func (c *Chunk) GiveBack() { c.cancel() }
