package sim

import (
	"strings"
	"time"
)

// recoveredAfter is how long a chunk may have been given when the log says that
// delivery works again, and it still waits.
const recoveredAfter = 3 * time.Second

// checkRecoveredLines: delivery works again when nothing waits that was in trouble.
func (w *world) checkRecoveredLines() {
	if !w.Expect.TrueRecovery {
		return
	}
	lines := w.host.since(w.linesChecked)
	w.linesChecked += len(lines)
	for _, line := range lines {
		if !strings.Contains(line, "delivery works again") {
			continue
		}
		w.mu.Lock()
		waits := (*chunk)(nil)
		for _, c := range w.chunks[w.checked:] {
			if c.settled == 0 && w.now()-c.offered > recoveredAfter {
				waits = c
				break
			}
		}
		w.mu.Unlock()
		if waits != nil {
			w.violate("not-recovered", "chunk %d of %s waits since %v; the log says: %s", waits.number, waits.topic, waits.offered, line)
		}
	}
}
