package sim

// memorySlack is what an output may hold beyond buffer_limit.
const memorySlack = 20 << 20

// checkMemory: what is held is what is counted, and within the limit.
func (w *world) checkMemory() {
	used := int64(w.numbers.of("inflight_bytes"))
	held := w.out.Retained()
	limit := int64(w.bufferLimit())
	if held.Bytes+held.Kept > limit+memorySlack {
		w.violate("memory", "%d MB held (%d batches, %d topics), %d MB are counted of %d", (held.Bytes+held.Kept)>>20, held.Batches, held.Topics, used>>20, limit>>20)
	}
	// The number is a second old, and all that is in the spool may come in that time.
	before := w.uncounted
	if w.uncounted = held.Bytes > 3*used+8<<20; w.uncounted && (before || !w.Spool) {
		w.violate("memory", "%d MB in %d batches of %d topics; %d MB are counted", held.Bytes>>20, held.Batches, held.Topics, used>>20)
	}
	if used > 2*limit+4<<20 {
		w.violate("buffer", "%d bytes in flight, of %d", used, limit)
	}
}
