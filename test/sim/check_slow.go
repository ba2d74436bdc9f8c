package sim

import "time"

// checkSlow: no chunk takes longer than the scenario expects.
func (w *world) checkSlow() {
	limit := w.Expect.SettledWithin
	if limit == 0 {
		return
	}
	for _, c := range w.chunks {
		if took := w.took(c); took > limit {
			w.violate("slow", "chunk %d of %s, %d records, given at %v, took %v", c.number, c.topic, c.records, c.offered, took)
		}
	}
}

// took is how long a chunk took, until now if it is not settled.
func (w *world) took(c *chunk) time.Duration {
	if c.settled == 0 {
		return w.now() - c.offered
	}
	return c.settled - c.offered
}
