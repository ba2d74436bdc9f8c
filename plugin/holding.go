package plugin

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Holding is what the outputs of a process hold of Fluent Bit together: it has a number of
// places for chunks that all of its pipelines share.
type Holding struct {
	chunks atomic.Int64 // without a result, of all outputs with a spool

	mu        sync.Mutex
	inTrouble map[*spooler]int // chunks of each output in trouble that it may spool
}

// set notes how many chunks an output in trouble holds, 0: none, and returns how many all
// of them do.
func (h *Holding) set(s *spooler, chunks int) (all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if chunks == 0 {
		delete(h.inTrouble, s)
	} else {
		if h.inTrouble == nil {
			h.inTrouble = make(map[*spooler]int)
		}
		h.inTrouble[s] = chunks
	}
	for _, n := range h.inTrouble {
		all += n
	}
	return all
}

const (
	// patience is how long a chunk may wait, and no acknowledgement come, before it counts
	// as held up.
	patience = 2 * time.Second
	// mostPatience is how long one may wait while others are acknowledged.
	mostPatience = 10 * time.Second
	// leavingPatience is how long one may wait from the signal to stop on.
	leavingPatience = time.Second
)

// heldUp returns the chunks that trouble holds up, from the oldest on: in silence, which
// ends with an acknowledgement, all. While others are acknowledged these are those that
// wait for longer than patience: the others may be on their way, as all are while the
// service is well.
func (s *spooler) heldUp(now time.Time) []*Chunk {
	acked := s.out.health.lastAcked()
	if acked.After(s.silentSince) { // also if nothing was held since: with nothing to send nothing is answered
		s.silentSince = time.Time{}
	}
	held := s.out.held()
	if len(held) == 0 {
		return nil
	}
	oldest := now.Sub(held[0].submitted)
	incident := s.out.health.inTrouble()
	if s.silentSince.IsZero() && now.Sub(acked) >= patience && (incident || oldest >= patience) {
		s.silentSince = now
	}
	switch {
	case !s.silentSince.IsZero():
		return held
	case s.leaving.Load() && incident:
		return held
	case s.leaving.Load():
		return olderThan(held, now, leavingPatience)
	case incident || oldest >= mostPatience:
		return olderThan(held, now, patience)
	}
	return nil
}

// olderThan returns those of chunks, from the oldest on, that wait for that long.
func olderThan(chunks []*Chunk, now time.Time, age time.Duration) []*Chunk {
	n := 0
	for n < len(chunks) && now.Sub(chunks[n].submitted) >= age {
		n++
	}
	return chunks[:n]
}

// held returns the chunks that Fluent Bit holds, from the oldest on, but for those whose
// flush is over: nobody can copy these before Fluent Bit gives them again.
func (o *Output) held() []*Chunk {
	o.mu.Lock()
	held := slices.Clone(o.live)
	o.mu.Unlock()
	held = slices.DeleteFunc(held, func(c *Chunk) bool { return !c.canBeCopied() })
	slices.SortFunc(held, func(a, b *Chunk) int { return a.submitted.Compare(b.submitted) })
	return held
}

// inTrouble tells whether there is an incident, of the output or of a logstore.
func (h *health) inTrouble() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current != 0 || len(h.troubled.all) > 0
}
