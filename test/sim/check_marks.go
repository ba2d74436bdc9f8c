package sim

import (
	"time"

	"out_sls_kafka/plugin"
)

// markedWithin is how long a chunk of the spool may be there that is done.
const markedWithin = 5 * time.Second

// checkMarks: what is done is marked, so that no end but a power cut has it sent again.
func (w *world) checkMarks() {
	if !w.answersAreTrue() || !w.diskWell(w.now()-markedWithin, w.now()) || w.removalFailed() {
		return
	}
	w.mu.Lock()
	chunks := w.chunks
	w.mu.Unlock()
	for _, c := range chunks {
		switch {
		case w.stock.undone[c.key] == 0 || c.result != plugin.OK || c.again > 0 || c.anyBad:
			c.waitsForMark = 0
		case c.waitsForMark == 0:
			if w.missing(c) < 0 {
				c.waitsForMark = w.now()
			}
		case w.now()-c.waitsForMark >= markedWithin:
			w.violate("unmarked", "chunk %d of %s has landed before %v, and is not marked in the spool", c.number, c.topic, c.waitsForMark)
			return
		}
	}
}
