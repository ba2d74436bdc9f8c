package sim

import (
	"strings"
	"time"
)

// sayWithin is how long the log may be silent about a spool that takes nothing: a line
// comes once a minute.
const sayWithin = 75 * time.Second

// checkSpoolLines: the log says that chunks are kept, that they are delivered, and that
// they cannot be kept.
func (w *world) checkSpoolLines() {
	begun, empty, stuck := false, false, false
	for _, line := range w.host.since(w.lines) {
		switch {
		case strings.Contains(line, "from now on chunks are kept"), strings.Contains(line, "were left there, and are delivered now"):
			begun, empty = true, false
		case strings.Contains(line, "the spool is empty"):
			empty = true
		case strings.Contains(line, "wait with Fluent Bit"):
			stuck = true
		}
	}
	settled := w.now()-w.watched.unchanged >= 3*time.Second && w.now()-w.began >= 3*time.Second && w.diskWell(w.now()-3*time.Second, w.now()) && !w.removalFailed()
	switch {
	case w.stock.chunks > 0 && settled && (!begun || empty):
		w.violate("spool-lines", "%d chunks are in the spool, and no line says so", w.stock.chunks)
	case w.stock.chunks == 0 && settled && begun && !empty:
		w.violate("spool-lines", "the spool is empty, and no line says so")
	}
	n := 0
	for _, age := range w.ages() {
		if age >= sayWithin {
			n++
		}
	}
	if n > w.mostHeld() && !stuck {
		w.violate("spool-lines", "%d chunks are held for %v, and no line says that the spool does not take them", n, sayWithin)
	}
}
