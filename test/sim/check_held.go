package sim

import (
	"strconv"
	"time"
)

// watched is what the checks of the spool remember.
type watched struct {
	life      *life
	silent    time.Duration // since then nothing was acknowledged, and chunks were held
	troubled  time.Duration // since then the output says that it is in trouble
	well      time.Duration // since then nothing is wrong
	full      time.Duration // until then the spool had no room
	acked     int64
	written   int64
	stock     stock
	unchanged time.Duration // since then nothing was written, nor removed
	said      time.Duration // until then the log said what is in the spool
}

// The chunks beyond max_held_chunks that Fluent Bit may hold are those that were given a
// short time ago: how short depends on what the output can know of its trouble. See
// plugin/holding.go.
const (
	// Whatever is wrong or is not, and however many others are acknowledged.
	heldAtMost = 11 * time.Second
	// While the output says that it is in trouble, and others are acknowledged.
	heldInTrouble = 3500 * time.Millisecond
	// While nothing is acknowledged.
	heldInSilence = 1500 * time.Millisecond
	// How long silence takes to be seen: one to find that nothing comes, and the oldest
	// chunk to have waited.
	silenceSeen = 5 * time.Second
	// roomSeen is how long it takes to see that a full spool has room again, and to use it.
	roomSeen = 3 * time.Second
)

// checkHeld: while the disk is well, Fluent Bit holds few chunks, whatever the trouble.
func (w *world) checkHeld() {
	now := w.now()
	if w.watched.life != w.life {
		w.watched = watched{life: w.life, silent: now, troubled: now, well: now, unchanged: now, said: now}
	}
	acked := w.cluster.Acked()
	ages := w.ages()
	if acked != w.watched.acked || len(ages) == 0 {
		w.watched.silent = now
	}
	w.watched.acked = acked
	if w.numbers.of("up") == 1 && w.numbers.of("logstores_in_trouble") == 0 {
		w.watched.troubled = now
	}
	if w.spoolIsFull() {
		w.watched.full = now
	}
	if !w.diskWell(w.began, now) && !w.diskWell(now-heldAtMost, now) || now-w.watched.full < roomSeen || now-w.began < silenceSeen {
		w.watched.silent, w.watched.troubled = now, now
		return
	}
	w.checkOlder(ages, heldAtMost, "at any time")
	if now-w.watched.troubled >= 2*time.Second {
		w.checkOlder(ages, heldInTrouble, "in trouble")
	}
	if now-w.watched.silent >= silenceSeen {
		w.checkOlder(ages, heldInSilence, "in silence")
	}
}

func (w *world) checkOlder(ages []time.Duration, least time.Duration, when string) {
	n := 0
	for _, age := range ages {
		if age >= least {
			n++
		}
	}
	if n > w.mostHeld() {
		w.violate("held", "%s: %d chunks are held for %v and longer, max_held_chunks is %d", when, n, least, w.mostHeld())
	}
}

// ages is how long the output has each chunk that it holds.
func (w *world) ages() (ages []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.chunks[w.checked:] {
		if c.settled == 0 {
			ages = append(ages, w.now()-c.given)
		}
	}
	return ages
}

// mostHeld is the option max_held_chunks.
func (s *Scenario) mostHeld() int {
	if n, err := strconv.Atoi(s.Properties()["max_held_chunks"]); err == nil {
		return n
	}
	return 16
}

// spoolLimit is the option spool_limit.
func (s *Scenario) spoolLimit() int64 {
	if s.Properties()["spool_limit"] == "16M" {
		return 16 << 20
	}
	return 1 << 30
}

// spoolIsFull tells whether the next chunks may have no room in the spool: as many as are
// stored at a time.
func (w *world) spoolIsFull() bool { return w.stock.bytes > w.spoolLimit()-9<<20 }
