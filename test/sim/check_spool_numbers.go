package sim

import "time"

// mostMoved is how much over spool_limit the files may be while what is left in one is moved: a
// quarter of a file.
const mostMoved = 4 << 20

// checkSpoolNumbers: the metrics of the spool are what is on the disk, which they show a
// second later.
func (w *world) checkSpoolNumbers() {
	if w.stock.chunks != w.watched.stock.chunks || w.stock.bytes != w.watched.stock.bytes {
		w.watched.unchanged = w.now()
	}
	if w.stock.bytes > w.spoolLimit()+mostMoved {
		w.violate("spool-limit", "the files have %d bytes, of %d", w.stock.bytes, w.spoolLimit())
	}
	if n := w.numbers.of("spool_damaged_total"); n > 0 {
		w.violate("damaged", "%.0f places are damaged by the metrics, and none is", n)
	}
	if w.now()-w.watched.unchanged < 2*time.Second || !w.diskWell(0, w.now()) {
		return
	}
	if n := int(w.numbers.of("spool_chunks")); n != w.stock.chunks {
		w.violate("spool-numbers", "spool_chunks is %d, and %d are on the disk", n, w.stock.chunks)
	}
	if n := int64(w.numbers.of("spool_bytes")); n != w.stock.bytes {
		w.violate("spool-numbers", "spool_bytes is %d, and %d are on the disk", n, w.stock.bytes)
	}
}
