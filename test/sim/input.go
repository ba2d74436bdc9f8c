package sim

import (
	"math/rand/v2"
	"sync"
	"time"
)

// input gives the chunks of one input until the scenario's end.
func (w *world) input(n int) {
	in := &w.Inputs[n]
	if !w.sleep(in.From) {
		return
	}
	end := w.Duration
	if in.Until > 0 {
		end = in.Until
	}
	if in.Workers > 0 {
		w.closedLoop(in, n, end)
		return
	}
	r := rand.New(rand.NewPCG(w.Seed, uint64(n)))
	g := &gate{limit: w.bufferLimit() / (4 * len(w.Inputs)), open: make(map[*chunk]time.Duration)}
	if in.Load == Squeeze || in.Load == Backlog {
		g.limit = 1 << 40
	}
	poison := in.Poison > 0
	for sent, first := 0, true; ; first = false {
		if in.Load == Backlog && sent >= in.Lines {
			return
		}
		pause := time.Duration(r.ExpFloat64() * float64(in.Pause)).Round(time.Millisecond) // so that things meet
		records, size := w.shape(in, first, r)
		if !w.sleep(pause) || w.now() >= end {
			return
		}
		if w.paused() {
			continue
		}
		now := poison && w.now() > in.Poison
		poison = poison && !now
		c := w.make(in, records, size, now, r)
		sent += records
		if !g.enter(c, w.now()) {
			w.skip(c, g)
			continue
		}
		w.flushes.Go(func() {
			defer g.leave(c)
			w.flush(c)
		})
	}
}

// closedLoop gives a chunk when the one before is done, in each of some goroutines.
func (w *world) closedLoop(in *Input, n int, end time.Duration) {
	for k := range in.Workers {
		w.flushes.Go(func() {
			r := rand.New(rand.NewPCG(w.Seed, uint64(n)<<32|uint64(k)))
			for w.sleep(time.Duration(r.Int64N(int64(in.Pause)+1))) && w.now() < end {
				records, size := w.shape(in, false, r)
				if w.paused() {
					continue
				}
				w.flush(w.make(in, records, size, false, r))
			}
		})
	}
}

// gate is what mem_buf_limit is for an input: no logstore in trouble may fill the
// output's buffer by its size alone.
type gate struct {
	limit int

	mu    sync.Mutex
	open  map[*chunk]time.Duration // when each was given
	bytes int
}

func (g *gate) enter(c *chunk, now time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit < 1<<40 && len(g.open) > 60 || len(g.open) > 0 && g.bytes+c.bytes > g.limit {
		return false
	}
	g.open[c] = now
	g.bytes += c.bytes
	return true
}

func (g *gate) leave(c *chunk) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
	g.bytes -= c.bytes
}

// heldUp tells whether a chunk that was given is not done after a second.
func (g *gate) heldUp(now time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, given := range g.open {
		if now-given > time.Second {
			return true
		}
	}
	return false
}

func (w *world) skip(c *chunk, g *gate) {
	if c.bytes > w.bufferLimit()/(16*len(w.Inputs)) || !g.heldUp(w.now()) {
		return // its input's limit is in its way, and nothing else
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.offered = w.now()
	w.skipped = append(w.skipped, c)
}
