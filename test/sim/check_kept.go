package sim

import "out_sls_kafka/plugin"

// checkKept: what was OK once stays where it is, over all lives: in the spool until its
// logstore has it.
func (w *world) checkKept() {
	w.mu.Lock()
	chunks := w.chunks
	w.mu.Unlock()
	for _, c := range chunks {
		if c.landed || c.result != plugin.OK || w.stock.safe[c.key] > 0 {
			continue
		}
		i := w.missing(c)
		if c.landed = i < 0; !c.landed {
			w.violate("lost", "record %d of %d of chunk %d of %s, which was OK at %v, was not acknowledged, and is not in the spool", i, c.records, c.number, c.topic, c.settled)
		}
	}
}
