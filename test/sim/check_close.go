package sim

import (
	"cmp"
	"strings"
	"time"
)

// closingTime is the exit_timeout of a simulated output, and what goroutines may take to
// end after it.
const closingTime = 5*time.Second + 2*time.Second

// hangingTime is more of it that each of two steps has when the disk took all there was.
const hangingTime = 200 * time.Millisecond

// closeOutput: the output ends in time, with each of its goroutines.
func (w *world) closeOutput(l *life) {
	before := w.now()
	if !l.out.Close() && !w.diskHangs() {
		w.violate("close", "the output did not end")
	}
	most := cmp.Or(w.Expect.ClosedWithin, closingTime)
	if !w.diskWell(before, w.now()) {
		most += hangingTime
	}
	if took := w.now() - before; took > most {
		w.violate("close", "Close took %v", took)
	}
	lines := w.host.count()
	l.log.Drain()
	w.checkLeft(before, w.host.since(lines))
}

// checkLeft: an output with a spool that is well leaves nothing to Fluent Bit, which may have
// no storage of its own.
func (w *world) checkLeft(closed time.Duration, lines []string) {
	if !w.Spool || !w.diskWell(closed-closingTime, w.now()) || w.spoolIsFull() {
		return
	}
	for _, line := range lines {
		if strings.Contains(line, " chunks left to Fluent Bit") && !strings.Contains(line, " 0 chunks left to Fluent Bit") {
			w.violate("left", "the disk is well, and the log says: %s", line)
		}
	}
}

// checkGivenBack: every chunk has a result in the end.
func (w *world) checkGivenBack() {
	for _, c := range w.chunks {
		if c.settled == 0 {
			w.violate("kept", "chunk %d of %s, %d records, given at %v, was not given back", c.number, c.topic, c.records, c.offered)
		}
	}
}
