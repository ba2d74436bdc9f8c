package sim

import (
	"github.com/twmb/franz-go/pkg/kerr"
)

// splits are the errors that a batch is divided for.
var splits = map[*kerr.Error]bool{
	kerr.InvalidRecord: true, kerr.InvalidTimestamp: true, kerr.MessageTooLarge: true, kerr.RecordListTooLarge: true,
	kerr.CorruptMessage: true, kerr.UnsupportedCompressionType: true, kerr.PolicyViolation: true,
}

// check looks at what must hold at any time.
func (w *world) check() {
	w.forgetSettled()
	if !w.closed {
		w.checkRoomUsed()
		w.checkMemory()
	}
	w.checkRates()
	w.checkRecoveredLines()
	w.checkTroubles()
}

// checkSpool looks at what must hold of the spool at any time, whether there is an output
// or not.
func (w *world) checkSpool() {
	if !w.Spool {
		return
	}
	w.stock = w.shelf.look(w.disk)
	w.checkKept()
	if w.current() == nil {
		w.watched = watched{}
		return
	}
	w.checkHeld()
	w.checkNothingWritten()
	w.checkEmptied()
	w.checkMarks()
	w.checkSpoolNumbers()
	w.checkSpoolLines()
	w.watched.stock = w.stock
}

// forgetSettled moves past the chunks at the beginning that are done.
func (w *world) forgetSettled() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.checked < len(w.chunks) && w.chunks[w.checked].settled != 0 {
		w.checked++
	}
}

// checkEnd looks at what must hold when all is over.
func (w *world) checkEnd() {
	w.checkSettled()
	w.checkNamed()
	w.checkThroughput()
	w.checkPace()
	w.checkRecovery()
	w.checkCounts()
	w.checkTwice()
	w.checkSlow()
	w.checkFresh()
	w.checkShardsUsed()
	w.checkFailures()
}

// checkCounts compares the output's numbers with the cluster's.
func (w *world) checkCounts() {
	if n, most := int64(w.total("records_acknowledged_total")), w.cluster.Acked(); n > most {
		w.violate("count", "%d records acknowledged; the cluster acknowledged %d", n, most)
	}
}
