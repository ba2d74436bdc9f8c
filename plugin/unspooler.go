package plugin

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"out_sls_kafka/plugin/spool"
)

// The chunks of the spool that wait for room at a time, and how many bytes they have: they are
// read again when there is room. A round is what is begun until what was delivered is settled.
const (
	windowChunks = 1024
	windowBytes  = 16 << 20
	windowLeast  = 4 // chunks, however large
	roundChunks  = 256
	roundBytes   = 8 << 20
)

// unspooler delivers what is in the spool, from the oldest on, while Fluent Bit
// gives others: all stand in the same lines for room. One goroutine runs it, which alone
// waits for the disk.
type unspooler struct {
	spooler *spooler
	work    chan struct{} // has room for one

	mu       sync.Mutex
	runnable []*spooled // to be advanced
	finished []finished
	ended    bool // no chunk is begun any more

	// Of the goroutine.
	buffer   []byte
	chunks   int // that wait for room
	bytes    int // of these
	failures int // of the disk, since the last tick
	panics   panics
	again    []*spooled // could not be read
	passedAt time.Time  // by passOver
	pass     pass
	sparseAt time.Time // compact could move nothing
	atEnd    bool      // all that is not in use was returned since Rewind

	works busy // else it waits for work

	delivered atomic.Int64 // chunks
	loggedAt  time.Time
}

func newUnspooler(s *spooler) *unspooler {
	return &unspooler{spooler: s, work: make(chan struct{}, 1), panics: make(panics)}
}

func (u *unspooler) nudge() {
	select {
	case u.work <- struct{}{}:
	default:
	}
}

// wake has a chunk advanced, or ended.
func (u *unspooler) wake(s *spooled, r Result) {
	u.mu.Lock()
	switch {
	case r != Pending:
		u.finished = append(u.finished, finished{entry: s.entry, result: r, of: s})
	case !s.runnable:
		s.runnable = true
		u.runnable = append(u.runnable, s)
	}
	u.mu.Unlock()
	u.nudge()
}

// finish ends an entry.
func (u *unspooler) finish(f finished) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.finished = append(u.finished, f)
}

// run delivers until the output ends.
func (u *unspooler) run() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-u.spooler.out.quit:
			return
		case <-u.work:
		case now := <-tick.C:
			u.tick(now)
		}
		if disk := u.spooler.disk.Load(); disk != nil {
			u.deliver(disk)
		}
	}
}

// deliver does what is due. It holds up no request, as [Output.Coalesce] would, for the
// disk may hang.
func (u *unspooler) deliver(disk *spool.Spool) {
	defer u.spooler.out.recoverPanic(nil)
	u.works.begin()
	defer u.works.end()
	u.settle(disk)
	u.advance(disk)
	u.fill(disk)
	u.settle(disk)
	u.spooler.out.Flush()
}

// settle marks what is done, and releases what is to be delivered another time.
func (u *unspooler) settle(disk *spool.Spool) {
	u.mu.Lock()
	all := u.finished
	u.finished = nil
	u.mu.Unlock()
	for _, f := range all {
		if f.of != nil {
			u.setWaiting(f.of, false)
		}
		switch {
		case f.result == Retry && f.isPanicked() && u.setAside(&f):
			continue
		case f.result == Retry:
			disk.Release(f.entry)
			continue
		case !f.isDamaged():
			u.delivered.Add(1)
		}
		if err := disk.Done(f.entry); err != nil {
			u.fail(err) // it may be delivered twice
		}
	}
}

// advance advances the chunks that have got room.
func (u *unspooler) advance(disk *spool.Spool) {
	u.mu.Lock()
	all := u.runnable
	u.runnable = nil
	for _, s := range all {
		s.runnable = false
	}
	u.mu.Unlock()
	for _, s := range all {
		if !s.chunk.isWaiting() { // it was ended
			u.setWaiting(s, false)
			continue
		}
		_, data, err := u.read(disk, s.entry)
		switch {
		case errors.Is(err, spool.ErrDamaged):
			s.damaged = true
			s.chunk.setResult(Error)
		case err != nil && s.chunk.isUnread():
			s.chunk.cancel() // it is begun another time
		case err != nil:
			u.again = append(u.again, s)
		default:
			s.chunk.advance(data)
			u.setWaiting(s, s.chunk.isWaiting())
		}
	}
}

// setWaiting notes whether a chunk waits for room.
func (u *unspooler) setWaiting(s *spooled, waits bool) {
	switch {
	case s.waiting == waits:
		return
	case waits:
		u.chunks++
		u.bytes += s.entry.Bytes
	default:
		u.chunks--
		u.bytes -= s.entry.Bytes
	}
	s.waiting = waits
}

// read reads an entry, into memory that the next read uses too.
func (u *unspooler) read(disk *spool.Spool, e *spool.Entry) (tag string, data []byte, err error) {
	tag, data, err = disk.Read(e, u.buffer)
	if cap(data) <= maxWorkspaceBytes {
		u.buffer = data
	}
	switch {
	case errors.Is(err, spool.ErrDamaged):
		u.spooler.logDamage(e.Damage())
	case err != nil:
		u.fail(err)
	}
	return tag, data, err
}

// mostFailures is how many times the disk may fail until nothing more is begun in that
// second: one place that cannot be read holds up little.
const mostFailures = 16

// fail notes that the disk failed.
func (u *unspooler) fail(err error) {
	u.failures++
	u.spooler.logFailure(err)
}

// fill begins with further chunks of the spool. While all of them find room it does not go on to
// the end: what is done waits for settle, and takes memory and disk until then.
func (u *unspooler) fill(disk *spool.Spool) {
	begun, bytes := 0, 0
	for u.failures < mostFailures && u.hasRoom() {
		if begun >= roundChunks || bytes >= roundBytes {
			u.nudge()
			return
		}
		e, err := disk.Next()
		if err != nil {
			u.fail(err)
			continue
		}
		if e == nil {
			u.atEnd = true
			return
		}
		begun, bytes = begun+1, bytes+e.Bytes
		switch tag, data, err := u.read(disk, e); {
		case errors.Is(err, spool.ErrDamaged):
			u.finish(finished{entry: e, result: Error, damaged: true})
		case err != nil:
			u.finish(finished{entry: e, result: Retry})
		default:
			u.submit(tag, data, e)
		}
	}
}

func (u *unspooler) hasRoom() bool {
	u.mu.Lock()
	ended := u.ended
	u.mu.Unlock()
	return !ended && u.chunks < windowChunks && (u.bytes < windowBytes || u.chunks < windowLeast)
}

// submit takes a chunk of the spool in, as Submit does with one of Fluent Bit's.
func (u *unspooler) submit(tag string, data []byte, e *spool.Entry) {
	o := u.spooler.out
	defer u.recoverBegun(tag, e)
	s := &spooled{entry: e, from: u}
	if !o.submitSpooled(s, tag, data) {
		u.finish(finished{entry: e, result: Retry})
		return
	}
	s.chunk.advance(data)
	u.setWaiting(s, s.chunk.isWaiting())
}

// submitSpooled adds a chunk to those of the spool. It returns false if the output ends.
func (o *Output) submitSpooled(s *spooled, tag string, data []byte) bool {
	to := o.accountOf(tag, data)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped.Load() {
		return false
	}
	c := o.newChunkLocked(tag, len(data), s.entry.Given, s)
	s.chunk, c.spooled, c.moved = c, s, true
	o.moved.add(c)
	o.admission.admit(c, to) // before the lock is released: who ends all may end it from then on
	return true
}

// tick is called once a second.
func (u *unspooler) tick(now time.Time) {
	u.failures = 0
	for _, s := range u.again {
		u.wake(s, Pending)
	}
	u.again = nil
	disk := u.spooler.disk.Load()
	if disk == nil {
		return
	}
	st := disk.Stats()
	u.logState(now, st)
	u.compact(disk, now)
	if st.Waiting == 0 || u.atEnd && !u.pass.isDue(now, u.delivered.Load()) {
		return
	}
	u.passOver(now)
	if u.atEnd {
		u.atEnd = false
		disk.Rewind()
	}
}
