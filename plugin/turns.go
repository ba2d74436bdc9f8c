package plugin

import (
	"container/list"
	"slices"
)

// waitLocked lets c wait at an index of the line of its account.
func (a *admission) waitLocked(c *Chunk, at int) {
	c.admitted = false
	if other := c.account.left; other != nil {
		c.account, c.wanted, at = other, chunkOverhead, len(other.waiting)
	}
	c.account.waiting = slices.Insert(c.account.waiting, at, c)
	a.waiting++
	a.takeTurnLocked(c.account)
}

// takeTurnLocked makes an account the last in turn, unless it has its turn.
func (a *admission) takeTurnLocked(to *account) {
	if to.turn == nil && len(to.waiting) > 0 {
		to.turn = a.turnsOf(to).PushBack(to)
	}
}

func (a *admission) turnsOf(to *account) *list.List {
	if to.failing {
		return &a.turns[1]
	}
	return &a.turns[0]
}

func (a *admission) parkLocked(to *account) {
	if to.turn != nil {
		a.turnsOf(to).Remove(to.turn)
		to.turn = nil
	}
}

// admitWaitingLocked admits the first waiting chunks, as many as fit, and returns
// them, to be woken. It must be called whenever memory was released.
func (a *admission) admitWaitingLocked() (admitted []*Chunk) {
	for i := range a.turns {
		for turn := a.turns[i].Front(); turn != nil; turn = a.turns[i].Front() {
			to := turn.Value.(*account) //nolint:errcheck // nothing else is put in
			c := to.waiting[0]
			fits := a.fitsLocked(to, c.wanted)
			if c.overdraws = !fits && a.mayOverdrawLocked(to, c.wanted); !fits && !c.overdraws {
				if to.known && to.used == 0 {
					break // others have the room: the first in turn gets what they release
				}
				a.parkLocked(to)
				continue
			}
			a.leaveLocked(c, 0)
			a.holdLocked(c)
			admitted = append(admitted, c)
			if to.turn != nil {
				a.turns[i].MoveToBack(to.turn)
			}
		}
	}
	return admitted
}

// leaveLocked ends the waiting of the chunk at an index of its line.
func (a *admission) leaveLocked(c *Chunk, at int) {
	c.account.waiting = slices.Delete(c.account.waiting, at, at+1)
	a.waiting--
	if len(c.account.waiting) == 0 {
		a.parkLocked(c.account)
	}
}

// park takes the place of a chunk that waits, and what is held for it.
func (a *admission) park(c *Chunk) []*Chunk {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dropClaimLocked(c)
	c.parked = true
	return a.admitWaitingLocked()
}

// dropClaimLocked takes the place of a chunk, if it waits, and what is held for it.
func (a *admission) dropClaimLocked(c *Chunk) {
	if !c.admitted {
		if i := slices.Index(c.account.waiting, c); i >= 0 {
			a.leaveLocked(c, i)
		}
	}
	c.admitted = false
	a.dropHeldLocked(c)
}

// unpark lets a chunk that was parked have room, or wait, for the rest of it.
func (a *admission) unpark(c *Chunk, rest int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.parked {
		c.parked, c.wanted = false, a.estimateLocked(rest)
		a.admitLocked(c)
	}
}

// waitForNames lets c wait until another unknown name may be remembered; room tells that
// one may be, and it is one of its own that may not. The others that wait are tried before.
func (a *admission) waitForNames(c *Chunk, crowd *account, room bool) {
	a.mu.Lock()
	a.dropHeldLocked(c)
	if !room {
		crowd.known, crowd.tries = false, 0
	}
	c.account, c.wanted = crowd, chunkOverhead
	a.waitLocked(c, len(crowd.waiting))
	admitted := a.admitWaitingLocked()
	a.mu.Unlock()
	wakeAll(admitted)
}

// tryCrowd lets some chunks that wait for names be tried.
func (a *admission) tryCrowd(crowd *account) {
	a.mu.Lock()
	crowd.tries = crowdTries + len(crowd.waiting)/8
	admitted := a.knowLocked(crowd, false)
	a.mu.Unlock()
	wakeAll(admitted)
}

// isWaitedFor tells whether chunks wait for a logstore.
func (a *admission) isWaitedFor(to *account) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(to.waiting) > 0
}

// leave moves the chunks that wait for a logstore to another's line, and those that will:
// who looked it up may be about to wait. It returns false if records of it may have room.
func (a *admission) leave(from, to *account) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if from.known || from.used > 0 {
		return false
	}
	for _, c := range from.waiting {
		c.account, c.wanted = to, chunkOverhead
	}
	to.waiting = append(to.waiting, from.waiting...)
	from.waiting, from.left = nil, to
	a.parkLocked(from)
	return true
}

// divert lets the chunks that wait for a logstore wait for another one, where their
// records go now: the room of the first may never be free.
func (a *admission) divert(from, to *account) {
	a.mu.Lock()
	for _, c := range from.waiting {
		c.account = to
	}
	to.waiting = append(to.waiting, from.waiting...)
	from.waiting = nil
	a.parkLocked(from)
	a.takeTurnLocked(to)
	admitted := a.admitWaitingLocked()
	a.mu.Unlock()
	wakeAll(admitted)
}

// inUse tells whether records of a logstore are in flight, or wait.
func (a *admission) inUse(to *logstore) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return to.account.used > 0 || len(to.account.waiting) > 0
}

// waitsInVain tells whether a chunk waits for a logstore that fails, or that nothing is
// known about.
func (a *admission) waitsInVain(c *Chunk) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !c.admitted && (c.account.failing || !c.account.known)
}

// heldUp tells whether a logstore fails, or is unknown, and has no room to show that it is well again:
// nothing of it is on its way, and its first chunk waits, maybe for what others that fail
// hold for ever.
func (a *admission) heldUp(to *logstore) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return (to.account.failing || !to.account.known) && to.account.used == 0 && len(to.account.waiting) > 0
}

// setNames sets how many names of logstores are remembered.
func (a *admission) setNames(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = int64(n) * nameBytes
}

// know notes the latest of a logstore: whether it fails.
func (a *admission) know(to *account, failing bool) {
	a.mu.Lock()
	admitted := a.knowLocked(to, failing)
	a.mu.Unlock()
	wakeAll(admitted)
}

func (a *admission) knowLocked(to *account, failing bool) []*Chunk {
	if to.left != nil || to.known && to.failing == failing {
		return nil
	}
	a.parkLocked(to)
	used := to.used
	a.addLocked(to, -used)
	to.known, to.failing = true, failing
	a.addLocked(to, used)
	a.takeTurnLocked(to)
	return a.admitWaitingLocked()
}

// retry lets parked logstores try again, as they do once a second: what they wait for may
// be that others released their room.
func (a *admission) retry(all []*account) {
	a.mu.Lock()
	for _, to := range all {
		if len(to.waiting) > 0 && to.used == 0 {
			to.waited++
		}
		a.takeTurnLocked(to)
	}
	admitted := a.admitWaitingLocked()
	a.mu.Unlock()
	wakeAll(admitted)
}

// wakeAll wakes chunks that were admitted. a.mu must not be held, for a waker may
// take locks of its own.
func wakeAll(admitted []*Chunk) {
	for _, c := range admitted {
		c.wake()
	}
}
