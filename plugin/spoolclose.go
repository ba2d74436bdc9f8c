package plugin

import (
	"context"
	"math"
	"time"

	"out_sls_kafka/plugin/spool"
)

// Source is a [Waker] whose chunk can be read while [Output.Close] runs.
type Source interface {
	// Data returns the chunk; nil: it cannot be read. It is called on the thread that
	// calls Close.
	Data() []byte
}

// wirePause is the time between two looks whether requests are on the wire.
const wirePause = 10 * time.Millisecond

// storeRest stores what Fluent Bit still holds, and waits for what is on its way, as long
// as ctx lasts. No result reaches Fluent Bit any more: what it keeps in files itself may be
// delivered twice. In trouble the chunks are stored at once, else after the wait.
func (s *spooler) storeRest(ctx context.Context) {
	s.closing.Store(true)
	s.leaving.Store(true)
	s.unspool.end()
	if s.out.health.inTrouble() {
		s.storeHeld(ctx)
		s.waitForWire(ctx)
		return
	}
	s.out.waitDrained(ctx)
	s.storeHeld(ctx)
}

// storeHeld stores all that Fluent Bit holds and that this thread may read. It has as long
// as ctx lasts, or as goroutines have to end: exit_timeout may be over when Exit begins.
func (s *spooler) storeHeld(ctx context.Context) {
	deadline := s.out.ending.stopDeadline(s.out.cfg.ExitTimeout)
	if later, ok := ctx.Deadline(); ok && later.After(deadline) {
		deadline = later
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	disk := s.disk.Load()
	if disk == nil {
		return
	}
	r := newClosingRound()
	for _, c := range s.out.held() {
		if r.batch.Size()+spool.SizeOf(c.tag, c.length) > disk.Room() {
			s.logFailure(spool.ErrFull)
			continue
		}
		data := c.data()
		if data == nil || !c.askCopy(r) {
			continue
		}
		c.copyNow(data)
		if r.batch.Size() >= disk.BatchBytes() {
			if !s.storeWithin(ctx, r) {
				return
			}
			r = newClosingRound()
		}
	}
	s.storeWithin(ctx, r)
}

// newClosingRound returns a round that nothing waits for.
func newClosingRound() *round { return &round{asked: math.MaxInt} }

// storeWithin stores a round. It returns false if that failed, or took too long.
func (s *spooler) storeWithin(ctx context.Context, r *round) bool {
	var err error
	stored := s.out.runWithin(ctx, func() {
		if err = s.store(r); err != nil {
			s.logFailure(err)
		}
	})
	return stored && err == nil
}

// data returns the chunk if this thread may read it.
func (c *Chunk) data() []byte {
	c.mu.Lock()
	source, ok := c.waker.(Source)
	c.mu.Unlock()
	if !ok {
		return nil
	}
	return source.Data()
}

func (c *Chunk) copyNow(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copyLocked(data)
}

// waitForWire waits until nothing is on the wire: in trouble, what is not waits for
// longer than this output has.
func (s *spooler) waitForWire(ctx context.Context) {
	tick := time.NewTicker(wirePause)
	defer tick.Stop()
	for s.out.producer.Sending() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// close ends the use of the spool's directory, when the goroutines have ended, or had their
// time to: whoever opens it next finds it free.
func (s *spooler) close(ctx context.Context) {
	s.holding.set(s, 0)
	s.ended.Store(true)
	disk := s.disk.Load()
	if disk == nil {
		return
	}
	s.out.runWithin(ctx, func() { s.unspool.settle(disk) })
	disk.Unlock() // it does not wait for a disk that hangs
	s.out.runWithin(ctx, disk.Close)
}
