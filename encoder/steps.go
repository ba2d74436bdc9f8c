package encoder

import (
	"math"
	"slices"
	"time"
)

// Position is a place in a chunk between two events, between two records of metrics, or
// between two spans. The zero value is the beginning of the chunk.
type Position struct {
	Offset int // of the next event or sample

	group  int            // 1 + the offset of the marker whose attributes the events get, 0: none
	object objectPosition // of metrics or traces
}

// Append encodes every event of the chunk into b. The tag is used for
// Options.TagKey only. Append never panics, and it keeps no reference to the
// chunk, which may be memory that the caller frees.
func (e *Encoder) Append(b *Batch, chunk []byte, tag string) {
	e.Begin(b, chunk, tag, time.Time{})
	e.AppendSome(b, chunk, Position{}, math.MaxInt)
	b.End()
}

// Begin prepares b for AppendSome, which encodes a chunk in several steps, until
// End is called. b may be reset between the steps. arrived is the time for events
// without one, if Options.ReplaceZeroTime is set; the zero Time: they stay at 1970.
func (e *Encoder) Begin(b *Batch, chunk []byte, tag string, arrived time.Time) {
	b.w.open(e, chunk, tag)
	b.w.arrived = arrived
}

// AppendSome encodes events of the chunk from the position at on, until b holds
// size bytes, and returns the position of the next event. Records and rejects
// count in addition to b.Buf: an event of one byte can be a reject, which adds
// nothing to b.Buf, and a raw record can be empty.
//
// A chunk may be continued in another Batch than the one it was begun in, after
// Begin: the position says which group, metric or resource it stands in.
func (e *Encoder) AppendSome(b *Batch, chunk []byte, at Position, size int) Position {
	if at != b.w.at {
		e.resume(b, chunk, at)
	}
	b.w.copied = 0
	for i := range b.w.literals {
		b.w.literals[i].span = Span{}
	}
	pos := at.Offset
	left := len(chunk) - pos
	if need := min(left+left/2, size); cap(b.Buf)-len(b.Buf) < need {
		b.Buf = slices.Grow(b.Buf, need)
	}
	for pos < len(chunk) && (b.usedBytes() < size || b.continuesReject(chunk, pos)) {
		if b.w.at.object.isOpen() {
			pos = e.encodeObject(b, chunk, size)
		} else {
			b.w.place = pos
			pos = e.encodeEvent(b, chunk, pos)
		}
	}
	b.Reserved.take(&b.w.reserved)
	b.Overridden.take(&b.w.overridden)
	b.w.at.Offset = pos
	return b.w.at
}

// resume brings the walker to a position where another walker stood: it reads the
// group marker or the metric again. They were read before, and cannot fail.
func (e *Encoder) resume(b *Batch, chunk []byte, at Position) {
	w := &b.w
	w.groupJSON, w.at = w.groupJSON[:0], at
	switch {
	case at.object.isOpen() && at.object.isTraces:
		w.trace.resume(chunk, &at.object)
	case at.object.isOpen():
		w.openMetrics(chunk, at.object.start, at.object.end)
		w.setResourceGroup()
		if w.metric.elem.pos = at.object.metric; at.object.samples > 0 {
			w.metric.openMetric()
		}
		if at.object.part > 0 {
			w.metric.series.openSample(w, cursor{chunk[:at.object.end], at.object.sample})
		}
	case at.group > 0:
		ev, _ := readEvent(chunk, at.group-1)
		e.setGroup(b, chunk, at.group-1, ev)
	}
}

// usedBytes returns how many bytes of memory the contents of the batch take. What
// this step copied to write an event counts as well: a sample that is rejected
// leaves little behind, and a step must end in time.
func (b *Batch) usedBytes() int {
	return len(b.Buf) + len(b.Records)*recordBytes + len(b.Rejects)*rejectBytes + b.w.copied
}

// End releases the chunk that Begin was called for.
func (b *Batch) End() { b.w.close() }
