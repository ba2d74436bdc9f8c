package produce

import (
	"slices"
	"time"
)

// queue holds the batches of one topic that are to be sent to one partition, or to
// whichever is free.
type queue struct {
	topic       *topic
	partition   *partition // nil: any
	open        *batch     // takes records; nil: none yet
	lingerUntil time.Time  // when the open batch has lingered long enough
	fresh       []*batch   // never sent, in their order; some are being compressed
	retry       []*batch   // failed, in their order; nothing says that it is their fault
	side        sideline
	// Bytes and runs of the last batch that left, and when one was full last: the
	// next may need as many.
	lastSize, lastRuns int
	closedAt           time.Time
}

// line is one of the lines of batches in a queue.
type line uint8

const (
	freshLine line = iota // and the open batch after it
	retryLine
	sideLine
)

// The order in which a partition is offered the lines. One that takes batches gets
// those first that failed before or elsewhere, for they are the oldest. One that
// fails gets fresh ones first: if these come through, it is not the partition's
// fault but the batch's.
var (
	usualOrder   = [...]line{retryLine, freshLine, sideLine}
	failingOrder = [...]line{freshLine, retryLine, sideLine}
	sideOrder    = [...]line{sideLine, retryLine, freshLine}
)

func (q *queue) empty() bool {
	return q.open == nil && len(q.fresh)+len(q.retry) == 0 && q.side.empty()
}

// first returns the batch of a line that can be sent now. If there is none, wake is
// when there may be one; zero: it is not a matter of time.
func (q *queue) first(l line, now time.Time) (b *batch, wake time.Time) {
	switch l {
	case sideLine:
		return q.side.first(now)
	case retryLine:
		if len(q.retry) > 0 {
			return q.retry[0], wake
		}
		return nil, wake
	}
	switch {
	case len(q.fresh) > 0 && q.fresh[0].state == ready:
		return q.fresh[0], wake
	case len(q.fresh) > 0 || q.open == nil:
		return nil, wake
	case now.Before(q.lingerUntil):
		return nil, q.lingerUntil
	}
	// It grew until here, since no partition was free. Now it is sent at once, and
	// compressed by the goroutine that sends it.
	return q.open, wake
}

// remove removes the batch that first returned.
func (q *queue) remove(b *batch, l line) {
	switch {
	case l == sideLine:
		q.side.pop()
	case l == retryLine:
		q.retry = popFront(q.retry)
	case b == q.open:
		q.takeOpen()
	default:
		q.fresh = popFront(q.fresh)
	}
}

func popFront(batches []*batch) []*batch {
	batches[0] = nil
	return batches[1:]
}

// takeOpen removes the open batch, which takes no more records, from the queue.
func (q *queue) takeOpen() *batch {
	b := q.open
	b.size = len(b.wire)
	q.open, q.lastSize, q.lastRuns = nil, len(b.wire), len(b.runs)
	return b
}

// takeAll empties the queue, whose open batch must be closed.
func (q *queue) takeAll() []*batch {
	all := slices.Concat(q.retry, q.fresh, q.side.takeAll())
	q.retry, q.fresh = nil, nil
	return all
}

// each calls f with each batch.
func (q *queue) each(f func(*batch)) {
	if q.open != nil {
		f(q.open)
	}
	for _, batches := range [...][]*batch{q.retry, q.fresh, q.side.due, q.side.waiting} {
		for _, b := range batches {
			f(b)
		}
	}
}

// moveTo gives the batches of q, whose open one must be closed, to another queue of
// the topic.
func (q *queue) moveTo(to *queue, now time.Time) {
	q.each(func(b *batch) { b.queue = to })
	to.retry, to.fresh = append(to.retry, q.retry...), append(to.fresh, q.fresh...)
	q.retry, q.fresh = nil, nil
	for _, b := range q.side.takeAll() {
		to.side.add(b, now)
	}
}
