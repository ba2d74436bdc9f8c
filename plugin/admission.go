package plugin

import (
	"slices"
	"sync"
)

// admission bounds the memory of chunks in flight. A chunk for which there is no
// room waits, not encoded, its bytes still with Fluent Bit.
type admission struct {
	mu      sync.Mutex
	limit   int64 // bytes
	used    int64 // bytes reserved by admitted chunks
	waiting []*Chunk
	// expansion is how many bytes the records of the last chunk took for one byte of
	// its msgpack. It predicts what a chunk will need before it is encoded.
	expansion float64
}

// initialExpansion is the expansion until a chunk has been encoded: that of records
// of some hundred bytes. Smaller records expand more, for each has a fixed cost.
const initialExpansion = 3

// admit reserves the memory that c is likely to need, or lets c wait. A chunk that
// is larger than the whole limit is admitted when it would be alone.
func (a *admission) admit(c *Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.reserved = a.estimateLocked(c.length)
	if len(a.waiting) == 0 && a.fitsLocked(c.reserved) {
		a.reserveLocked(c)
		return
	}
	a.waiting = append(a.waiting, c)
}

// estimateLocked returns the memory that a chunk of that length is likely to need.
// It is clamped, for the last chunk may have been of another kind: reestimate
// corrects an estimate that is too low, but a chunk whose estimate is too high might
// wait until no chunk is in flight, which may never happen.
func (a *admission) estimateLocked(length int) int64 {
	likely := chunkOverhead + int64(float64(length)*a.expansion)
	return min(likely, max(int64(length), a.limit/4))
}

func (a *admission) fitsLocked(bytes int64) bool { return a.used == 0 || a.used+bytes <= a.limit }

func (a *admission) reserveLocked(c *Chunk) {
	a.used += c.reserved
	c.admitted = true
}

// admitWaitingLocked admits the first waiting chunks, as many as fit, and returns
// them, to be woken. It must be called whenever memory was released.
func (a *admission) admitWaitingLocked() (admitted []*Chunk) {
	for len(a.waiting) > 0 && a.fitsLocked(a.waiting[0].reserved) {
		next := a.waiting[0]
		a.waiting[0] = nil
		a.waiting = a.waiting[1:]
		a.reserveLocked(next)
		admitted = append(admitted, next)
	}
	return admitted
}

// isAdmitted tells whether memory is reserved for c.
func (a *admission) isAdmitted(c *Chunk) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.admitted
}

// reestimate replaces the estimate of admit by a better one, made from the first
// records. If that does not fit with the other chunks it returns false: c is the
// first of the waiting chunks again, now with the better estimate, and its records
// must be dropped.
func (a *admission) reestimate(c *Chunk, bytes int64) bool {
	fits, admitted := a.updateEstimate(c, bytes)
	wakeAll(admitted)
	return fits
}

func (a *admission) updateEstimate(c *Chunk, bytes int64) (fits bool, admitted []*Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.length > 0 {
		a.expansion = max(1, float64(bytes-chunkOverhead)/float64(c.length))
	}
	a.used -= c.reserved
	grown := bytes > c.reserved
	c.reserved = bytes
	if grown && !a.fitsLocked(bytes) {
		c.admitted = false
		a.waiting = slices.Insert(a.waiting, 0, c)
		return false, nil
	}
	a.used += bytes
	return true, a.admitWaitingLocked()
}

// commit replaces the estimate by what the records of c take. Chunks whose later
// records expand more than their first ones may exceed the limit in this way.
func (a *admission) commit(c *Chunk, bytes int64) { wakeAll(a.setReserved(c, bytes)) }

func (a *admission) setReserved(c *Chunk, bytes int64) (admitted []*Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.admitted {
		a.used += bytes - c.reserved
		c.reserved = bytes
	}
	return a.admitWaitingLocked()
}

// release releases the memory of c and wakes the waiting chunks that fit now. If c
// is waiting, it waits no longer.
func (a *admission) release(c *Chunk) { wakeAll(a.clearReserved(c)) }

func (a *admission) clearReserved(c *Chunk) (admitted []*Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.admitted {
		a.used -= c.reserved
		c.admitted = false
	} else if i := slices.Index(a.waiting, c); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	}
	return a.admitWaitingLocked()
}

// wakeAll wakes chunks that were admitted. a.mu must not be held, for a waker may
// take locks of its own.
func wakeAll(admitted []*Chunk) {
	for _, c := range admitted {
		c.wake()
	}
}

// load returns the bytes reserved and the number of waiting chunks.
func (a *admission) load() (used int64, waiting int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used, len(a.waiting)
}
