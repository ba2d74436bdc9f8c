package plugin

import (
	"container/list"
	"sync"
)

// admission bounds the memory of records in flight, and divides it among logstores. A
// chunk is encoded in pieces, and each needs room; a chunk that finds none
// waits, its bytes still with Fluent Bit.
//
// A logstore may take as much as it leaves free (so that one takes half at most, two a
// third each, and there is always some for another), and those that fail together no
// more than half. The only logstore of an output may take everything.
type admission struct {
	mu      sync.Mutex
	limit   int64 // bytes
	used    int64 // by all logstores
	failing int64 // by those that fail
	names   int64 // bytes that logstores take themselves
	waiting int   // chunks
	single  bool  // there is one logstore
	// The logstores whose first waiting chunk may get room next, in turn: those that
	// are well, and those that fail. The others with waiting chunks are parked: they wait
	// for news, or for room of their own.
	turns [2]list.List
	// expansion is how many bytes the records of the last chunk took for one byte of
	// its msgpack. It predicts what a chunk will need before it is encoded.
	expansion float64
}

// initialExpansion is the expansion until a chunk has been encoded: that of records
// of some hundred bytes. Smaller records expand more, for each has a fixed cost.
const initialExpansion = 3

// account is what admission knows of a logstore. It is guarded by admission.mu.
type account struct {
	known   bool // the service has answered about it: its records may take room
	failing bool // what is known last is a failure
	letters bool // of rejected records: it never takes everything, also if there is one logstore
	used    int64
	waiting []*Chunk
	turn    *list.Element // in admission.turns; nil: parked, or nothing waits
	left    *account      // it is forgotten, and this one takes its place; nil: it is not
	tries   int           // of the crowd: how many chunks more may be tried in this second
	waited  int           // seconds in which it had nothing in flight, and its first chunk no room
}

// admit reserves the memory that c is likely to need, or lets c wait.
func (a *admission) admit(c *Chunk, to *account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.account, c.wanted = to, a.estimateLocked(c.length)
	a.admitLocked(c)
}

func (a *admission) admitLocked(c *Chunk) {
	if line := c.account.waiting; len(line) > 0 || !a.fitsLocked(c.account, c.wanted) {
		a.waitLocked(c, len(line))
		return
	}
	a.holdLocked(c)
}

// estimateLocked returns the memory that a number of bytes of a chunk are likely to need. It
// is clamped: the chunk before may have been of another kind.
func (a *admission) estimateLocked(length int) int64 {
	likely := chunkOverhead + int64(float64(length)*a.expansion)
	return min(likely, max(a.limit/32, 2*pieceBytes))
}

// fitsLocked tells whether a logstore may take that many bytes more. Whatever their number
// is, they fit if nothing else is in the way: one record may be larger than any share.
func (a *admission) fitsLocked(to *account, bytes int64) bool {
	switch {
	case !to.known:
		return false
	case a.used == 0:
		return true
	case a.single && !to.letters:
		return a.used+bytes <= a.limit
	}
	free := a.limit - a.used - min(a.names, a.limit/4)
	if to.failing {
		return to.used+bytes <= min(free, a.limit/2-a.failing)
	}
	return to.used+bytes <= free || a.othersFailLocked()
}

// overdraft is how many bytes over limit logstores may hold together. Of those that fail each
// may have been the only one that was well when it got room: hundreds of them, refused one
// after the other, would take any memory.
const overdraft = 4 << 20

// patientSeconds is how long a logstore without anything in flight waits for what others
// release, until it may have room over limit.
const patientSeconds = 2

// mayOverdrawLocked tells whether a logstore may take that many bytes over limit. Others
// that need less may leave room for each other all the time, and never for this one: who comes
// when nobody of his logstore waits gets what he finds free. To hold these up until all is
// released would be no better, for that may be up to a logstore that is slow.
func (a *admission) mayOverdrawLocked(to *account, bytes int64) bool {
	return to.known && !to.failing && to.used == 0 && to.waited >= patientSeconds && a.used+bytes <= a.limit+overdraft
}

// othersFailLocked tells whether all that is used is of logstores that fail, so that one
// that is well may take more than is left.
func (a *admission) othersFailLocked() bool {
	return a.used == a.failing && a.used < a.limit+overdraft
}

// holdLocked reserves what c wants.
func (a *admission) holdLocked(c *Chunk) {
	c.admitted, c.held, c.wanted = true, c.wanted, 0
	a.addLocked(c.account, c.held)
	c.account.waited = 0
	if c.account.tries > 0 {
		c.account.tries--
		c.account.known = c.account.tries > 0
	}
}

// dropHeldLocked releases what is held for c, and returns how many bytes it was.
func (a *admission) dropHeldLocked(c *Chunk) (held int64) {
	held, c.held = c.held, 0
	a.addLocked(c.account, -held)
	a.takeTurnLocked(c.account)
	return held
}

func (a *admission) addLocked(to *account, bytes int64) {
	to.used += bytes
	a.used += bytes
	if to.failing {
		a.failing += bytes
	}
}

// isAdmitted tells whether c may be encoded.
func (a *admission) isAdmitted(c *Chunk) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.admitted
}

// reserve reserves what the encoded records of a piece take for each of their
// logstores. rest is how many bytes of the chunk are left after it. If the records of one
// logstore find no room, nothing is reserved, c is the first of those that wait for it,
// and the piece must be dropped.
func (a *admission) reserve(c *Chunk, shares []*share, rest int) bool {
	fits, admitted := a.tryReserve(c, shares, rest)
	wakeAll(admitted)
	return fits
}

func (a *admission) tryReserve(c *Chunk, shares []*share, rest int) (fits bool, admitted []*Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.dropHeldLocked(c)
	overdraws := c.overdraws
	c.overdraws = false
	if full, total := a.fullLocked(shares, overdraws); full != nil {
		c.account, c.wanted = full, total
		a.waitLocked(c, 0)
		return false, a.admitWaitingLocked()
	}
	for _, s := range shares {
		need := s.need()
		held -= need
		s.bytes += need
		s.records += s.pieceRecords
		s.pieceRecords, s.pieceBytes = 0, 0
	}
	if more := min(held, a.estimateLocked(rest)); rest > 0 && more > 0 && a.fitsLocked(c.account, more) {
		c.held = more
		a.addLocked(c.account, more)
	}
	return true, a.admitWaitingLocked()
}

// fullLocked reserves what the shares of a piece take. If one does not fit, nothing is
// reserved, and it returns its account, and what the piece takes in all: that much has to
// be free, or it would be tried in vain. overdraws tells that it may be more than is free.
func (a *admission) fullLocked(shares []*share, overdraws bool) (full *account, total int64) {
	for _, s := range shares {
		total += s.need()
	}
	alone, aloneWell := a.used == 0, a.othersFailLocked() || overdraws && a.used+total <= a.limit+overdraft
	for i, s := range shares {
		to, need := &s.logstore.account, s.need()
		if need == 0 || to.known && (alone || aloneWell && !to.failing) || a.fitsLocked(to, need) {
			a.addLocked(to, need)
			continue
		}
		for _, before := range shares[:i] {
			a.addLocked(&before.logstore.account, -before.need())
		}
		return to, total
	}
	return nil, 0
}

// encoded notes how many bytes the records of a whole chunk took, and releases what it
// reserved in vain.
func (a *admission) encoded(c *Chunk, bytes int64) {
	wakeAll(a.setEncoded(c, bytes))
}

func (a *admission) setEncoded(c *Chunk, bytes int64) []*Chunk {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.length > 0 {
		a.expansion = max(1, float64(bytes-chunkOverhead)/float64(c.length))
	}
	a.dropHeldLocked(c)
	return a.admitWaitingLocked()
}

// release releases the memory of records of a share and wakes the waiting chunks that fit
// now.
func (a *admission) release(s *share, records int, bytes int64) {
	wakeAll(a.releaseShare(s, records, bytes))
}

func (a *admission) releaseShare(s *share, records int, bytes int64) []*Chunk {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.releaseLocked(s, records, bytes)
	return a.admitWaitingLocked()
}

func (a *admission) releaseLocked(s *share, records int, bytes int64) {
	if s.records -= records; s.records <= 0 {
		bytes = s.bytes
	}
	bytes = min(bytes, s.bytes)
	s.bytes -= bytes
	a.addLocked(&s.logstore.account, -bytes)
	a.takeTurnLocked(&s.logstore.account)
}

// extend reserves more for a share, whatever there is. It returns false if the chunk holds
// nothing any more.
func (a *admission) extend(s *share, bytes int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.records <= 0 {
		return false
	}
	s.bytes += bytes
	a.addLocked(&s.logstore.account, bytes)
	return true
}

// end releases all that a chunk holds. If it is waiting, it waits no longer.
func (a *admission) end(c *Chunk) { wakeAll(a.endChunk(c)) }

func (a *admission) endChunk(c *Chunk) []*Chunk {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dropClaimLocked(c)
	c.parked = false
	for _, s := range c.shares {
		a.releaseLocked(s, s.records, s.bytes)
	}
	return a.admitWaitingLocked()
}

// load returns the bytes reserved and the number of waiting chunks.
func (a *admission) load() (used int64, waiting int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used, a.waiting
}
