package sim

import (
	"cmp"
	"time"
)

// closingTime is the exit_timeout of a simulated output, and what goroutines may take to
// end after it.
const closingTime = 5*time.Second + 2*time.Second

// closeOutput: the output ends in time, with each of its goroutines.
func (w *world) closeOutput() {
	before := w.now()
	if !w.out.Close() {
		w.violate("close", "the output did not end")
	}
	if took := w.now() - before; took > cmp.Or(w.Expect.ClosedWithin, closingTime) {
		w.violate("close", "Close took %v", took)
	}
	w.log.Drain()
}

// checkGivenBack: every chunk has a result in the end.
func (w *world) checkGivenBack() {
	for _, c := range w.chunks {
		if c.settled == 0 {
			w.violate("kept", "chunk %d of %s, %d records, given at %v, was not given back", c.number, c.topic, c.records, c.offered)
		}
	}
}
