package sim

import "time"

// checkSettled: when all has been well for long, no chunk is left.
func (w *world) checkSettled() {
	if w.closed {
		return
	}
	used, waiting := w.numbers.of("inflight_bytes"), w.numbers.of("waiting_chunks")
	w.mu.Lock()
	stuck, first := 0, (*chunk)(nil)
	for _, c := range w.chunks {
		if c.settled != 0 || c.poison || w.forever(c.topic) || w.now()-max(c.offered+w.early(), w.over(c.topic)) < patience-10*time.Second {
			continue
		}
		if stuck++; first == nil {
			first = c
		}
	}
	w.mu.Unlock()
	if stuck > 0 {
		w.violate("stuck", "%d chunks, the first %d of %s with %d records, given at %v; %.0f bytes in flight, %.0f chunks wait for room", stuck, first.number, first.topic, first.records, first.offered, used, waiting)
	}
}

// checkNamed: a record that fails for ever, for which chunk that is, is rejected or
// named in the log.
func (w *world) checkNamed() {
	for _, c := range w.chunks {
		seen := w.Duration - max(c.offered, w.over(c.topic)) // while fresh records show that it is the record's fault
		if c.poison && c.settled == 0 && seen > 90*time.Second && !w.closed && !w.forever(c.topic) && !w.host.has("is refused when sent alone") {
			w.violate("not-named", "a poisoned record of chunk %d of %s fails since %v, and no line says so", c.number, c.topic, c.offered)
		}
	}
}

// standstill is how long chunks may wait for room while next to nothing is in flight.
const standstill = 20 * time.Second

// checkRoomUsed: chunks do not wait for room while most of it is free. Of several
// logstores those that fail have half of it, and leave some to each other.
func (w *world) checkRoomUsed() {
	used, waiting := w.numbers.of("inflight_bytes"), w.numbers.of("waiting_chunks")
	largest, entitled := 0, len(w.Logstores) == 1
	w.mu.Lock()
	chunks := w.chunks[w.checked:]
	if w.Spool {
		chunks = w.chunks // those of the spool are settled
	}
	for _, c := range chunks {
		if c.settled == 0 || w.stock.undone[c.key] > 0 {
			largest = max(largest, c.bytes)
			entitled = entitled || c.settled == 0 && !w.troubled(c.topic, c.offered, w.now()).any()
		}
	}
	w.mu.Unlock()
	free := float64(w.bufferLimit()) - used
	if waiting == 0 || !entitled || !w.diskWell(w.now(), w.now()) || free < 8*float64(largest)+100_000 {
		w.roomSince = w.now()
		return
	}
	if stands := w.now() - w.roomSince; stands > standstill {
		w.violate("room-unused", "%.0f chunks, of %d bytes at most, wait for room for %v; %.0f of %d bytes are in flight", waiting, largest, stands, used, w.bufferLimit())
	}
}
