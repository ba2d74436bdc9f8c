package sim

import (
	"time"

	"out_sls_kafka/test/simkafka"
)

// checkNothingWritten: while the service is well, nothing is written to the disk.
func (w *world) checkNothingWritten() {
	written, _ := w.disk.Written()
	before := w.watched.written
	if w.watched.written = written; written != before {
		w.watched.unchanged = w.now()
	}
	for i := range w.Logstores {
		if w.troubled(w.Logstores[i].Topic(), w.now()-time.Second, w.now()).any() {
			w.watched.well = w.now()
		}
	}
	for _, age := range w.ages() {
		if age > heldAtMost-3*time.Second {
			w.watched.well = w.now() // there is more than goes through
		}
	}
	if !w.diskWell(w.now()-time.Second, w.now()) {
		w.watched.well = w.now() // what it could not write in trouble comes later
	}
	if w.recordsFail() || w.watched.stock.files > 0 || w.now()-w.watched.well < 3*time.Second {
		return
	}
	if written != before {
		w.violate("written", "%d bytes were written to the disk, though nothing is wrong since %v", written-before, w.watched.well)
	}
}

// recordsFail tells whether records are refused for themselves: what that looks like to
// the output depends on others.
func (s *Scenario) recordsFail() bool {
	for i := range s.Inputs {
		if in := &s.Inputs[i]; in.Shift != 0 || in.BadEvery > 0 || in.Poison > 0 || in.Load == Names || in.Load == Longs {
			return true
		}
	}
	for _, f := range s.Faults {
		if f.Kind == simkafka.TooLarge || f.Kind == simkafka.Codec || f.Kind == simkafka.Poison {
			return true
		}
	}
	return s.MaxBatch > 0 || s.Skew != 0
}

// emptiedWithin is how long the spool may be in use when all is well again.
const emptiedWithin = time.Minute

// checkEmptied: when all is well again, the spool is delivered and its files go.
func (w *world) checkEmptied() {
	if w.recordsFail() || w.now()-w.began < emptiedWithin || !w.diskWell(w.now()-emptiedWithin, w.now()) || w.stock.files == 0 || w.removalFailed() {
		return
	}
	for i := range w.Logstores {
		if topic := w.Logstores[i].Topic(); w.forever(topic) || w.now() < w.over(topic)+emptiedWithin {
			return
		}
	}
	if w.stock.chunks > 0 {
		w.violate("not-emptied", "%d chunks are in the spool, though all is well for %v", w.stock.chunks, emptiedWithin)
	} else {
		w.violate("files", "%d files are left of an empty spool", w.stock.files)
	}
}
