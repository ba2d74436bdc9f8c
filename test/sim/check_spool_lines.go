package sim

import (
	"strings"
	"time"
)

// sayWithin is how long the log may be silent about a spool that takes nothing: a line
// comes once a minute.
const sayWithin = 75 * time.Second

// sayAtOnce is how long a line about what has changed may take.
const sayAtOnce = 3 * time.Second

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
		case strings.Contains(line, "wait with Fluent Bit"), strings.Contains(line, "nothing is kept there before"):
			stuck = true
		}
	}
	wrong := w.stock.chunks > 0 && (!begun || empty) || w.stock.chunks == 0 && begun && !empty
	if !wrong || !w.diskWell(w.now()-sayAtOnce, w.now()) || w.removalFailed() || w.now()-w.watched.unchanged < sayAtOnce {
		w.watched.said = w.now()
	}
	if w.now()-w.watched.said >= sayAtOnce {
		w.violate("spool-lines", "%d chunks are in the spool, and since %v no line says so", w.stock.chunks, w.watched.said)
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
