package plugin

import (
	"sync/atomic"
	"time"

	"out_sls_kafka/plugin/spool"
)

const (
	// copyTimeout is how long the threads of Fluent Bit have to make the copies. What is
	// not there by then is asked for again.
	copyTimeout = time.Second
	// lookInterval is the time between two looks at what is held, while it is too much.
	lookInterval = 100 * time.Millisecond
	// diskPause is the time after a failure of the disk before the next attempt.
	diskPause = 2 * time.Second
)

// spooler stores chunks that trouble holds up in the spool, so that Fluent Bit has its
// places for others. One goroutine runs it: it alone waits for the disk.
type spooler struct {
	out      *Output
	files    spool.Files
	holding  *Holding
	most     int // chunks that may be held in trouble
	unspool  *unspooler
	mayLeave func() bool // nil: never known

	disk    atomic.Pointer[spool.Spool] // nil: it could not be opened yet
	leaving atomic.Bool                 // the process ends, or Fluent Bit reloads
	closing atomic.Bool                 // Close stores the rest
	began   atomic.Bool                 // something was stored since the spool was empty
	ended   atomic.Bool                 // the directory is others'
	look    chan struct{}               // has room for one
	opening chan error                  // of an open that began with the output, and is slow; nil: none

	storing     chan struct{} // is full while the disk works, for as long as that hangs
	stores      busy          // as it does for chunks of Fluent Bit
	pausedUntil time.Time     // of the goroutine: the disk failed
	silentSince time.Time     // of the goroutine: nothing is answered from then on; zero: something was
	failed      minutely      // guarded by health.mu

	written atomic.Int64 // chunks
	damaged atomic.Int64 // entries that cannot be read
}

// notice is called when a chunk was given: there may be too many now.
func (s *spooler) notice() {
	if s.holding.chunks.Load() > int64(s.most) || s.leaving.Load() {
		s.nudge()
	}
}

func (s *spooler) nudge() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// tick is called once a second. Once the output is about to end, all that is held up is
// stored: Fluent Bit reads results for a short time only. A disk that hangs holds up no
// fresh chunks. s may be nil.
func (s *spooler) tick(now time.Time) {
	if s == nil {
		return
	}
	s.unspool.yield(now)
	s.logHang(now)
	if s.mayLeave == nil || s.closing.Load() {
		return
	}
	if leaves := s.mayLeave(); !s.leaving.Swap(leaves) && leaves {
		s.nudge()
	}
}

// run looks at what is held until the output ends.
func (s *spooler) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if !s.waitOpened() {
		return
	}
	for {
		select {
		case <-s.out.quit:
			return
		case <-s.look:
		case <-timer.C:
		}
		for s.storeHeldUp() { // whatever is given
			timer.Reset(lookInterval)
			select {
			case <-s.out.quit:
				return
			case <-timer.C:
			}
		}
	}
}

// storeHeldUp stores what is held up beyond what may be. It tells whether to look again
// soon.
func (s *spooler) storeHeldUp() (again bool) {
	defer s.out.recoverPanic(nil)
	for {
		now := time.Now()
		if now.Before(s.pausedUntil) {
			return true
		}
		if s.disk.Load() == nil {
			if err := s.open(); err != nil {
				s.pause(now, err)
				return true
			}
			s.unspool.nudge()
		}
		chunks, full := s.excess(now)
		switch {
		case full && len(chunks) == 0:
			s.pause(now, spool.ErrFull)
			return true
		case full:
			s.logFailure(spool.ErrFull)
		}
		if len(chunks) == 0 || s.closing.Load() {
			// In trouble, because other outputs may hold too much together with this one.
			return s.leaving.Load() || !s.silentSince.IsZero() || s.out.health.inTrouble() || s.holding.chunks.Load() > int64(s.most)
		}
		r := s.copies(chunks)
		if len(r.chunks) == 0 { // their threads have no time, or they are done by now
			return true
		}
		if err := s.store(r); err != nil {
			s.pause(now, err)
			return true
		}
	}
}

// excess returns the chunks to be stored now, from the oldest on. Those that do not fit
// into the spool are left out; full tells that there are such. They are one batch of the spool,
// for their copies take memory.
func (s *spooler) excess(now time.Time) (chunks []*Chunk, full bool) {
	heldUp, held := s.heldUp(now), s.most
	if s.leaving.Load() {
		held = 0
	}
	n := min(s.holding.set(s, len(heldUp))-held, len(heldUp))
	disk := s.disk.Load()
	size, room, most := 0, disk.Room(), disk.BatchBytes()
	for _, c := range heldUp {
		if len(chunks) >= n || size >= most {
			break
		}
		switch more := spool.SizeOf(c.tag, c.length); {
		case size+more > room:
			full = true
		case size == 0 || size+more <= most:
			chunks, size = append(chunks, c), size+more
		default:
			return chunks, full
		}
	}
	return chunks, full
}

// copies has chunks copied on the threads that may read them, and waits for that.
func (s *spooler) copies(chunks []*Chunk) *round {
	r := &round{asked: 1, ready: make(chan struct{})} // one more, until all are asked
	for _, c := range chunks {
		r.mu.Lock()
		r.asked++
		r.mu.Unlock()
		if !c.askCopy(r) {
			r.skip()
			continue
		}
		c.wake()
	}
	r.skip()
	late := time.NewTimer(copyTimeout)
	defer late.Stop()
	select {
	case <-r.ready:
	case <-late.C:
	case <-s.out.quit:
	}
	r.end()
	return r
}

// store stores what was copied, and tells Fluent Bit that it is done.
func (s *spooler) store(r *round) error {
	if len(r.chunks) == 0 {
		return nil
	}
	s.storing <- struct{}{}
	defer func() { <-s.storing }()
	s.stores.begin()
	defer s.stores.end()
	disk := s.disk.Load()
	entries, err := disk.Append(&r.batch)
	if err != nil {
		return err
	}
	if !s.began.Swap(true) {
		s.out.log.Warnf("delivery is in trouble: from now on chunks are kept in spool_path %s, so that Fluent Bit's other pipelines do not wait", s.out.cfg.SpoolPath)
	}
	s.written.Add(int64(len(entries)))
	for i, c := range r.chunks {
		if !c.moveToSpool(entries[i], s.unspool) {
			s.unspool.finish(finished{entry: entries[i], result: OK}) // delivered, or with Fluent Bit again
		}
	}
	s.unspool.nudge()
	return nil
}

// pause waits with the next attempt, and says why.
func (s *spooler) pause(now time.Time, err error) {
	s.pausedUntil = now.Add(diskPause)
	s.logFailure(err)
}
