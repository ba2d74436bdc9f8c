package plugin

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"sync"
	"unsafe"

	"out_sls_kafka/plugin/failure"
)

// letter is a rejected record that is not in dead_letter_file yet. Its room is not released
// before it is, or could not be written, and its chunk is not done.
type letter struct {
	deadLetter
	share   *share
	kind    failure.Kind
	records int   // rejected with it
	bytes   int64 // of its room
}

// letterBytes is what a letter takes in addition to its record, in bytes: its texts too.
const letterBytes = 512

// letters are those that wait for the disk. One goroutine at a time writes them, for a file
// may be slow, and who rejects a record may be Fluent Bit's thread.
type letters struct {
	mu      sync.Mutex
	waiting []*letter
	taken   []*letter // those that are being written
	held    int64     // bytes of both
	writing bool
}

// writeBytes is how many bytes of records are written at a time.
const writeBytes = 256 << 10

// keep writes a letter in the background, and then ends it. The letter's record is copied.
func (o *Output) keep(l *letter) {
	l.record = bytes.Clone(l.record)
	q := &o.letters
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting, q.held = append(q.waiting, l), q.held+l.retained()
	if !q.writing {
		q.writing = true
		o.background(o.writeLetters)
	}
}

// take returns the next letters; none: there are no more, and the writer ends.
func (q *letters) take() (next []*letter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.taken {
		q.held -= l.retained()
	}
	for bytes := int64(0); len(q.waiting) > len(next) && bytes < writeBytes; {
		l := q.waiting[len(next)]
		next, bytes = append(next, l), bytes+l.retained()
	}
	if q.waiting = slices.Delete(q.waiting, 0, len(next)); len(q.waiting) == 0 {
		q.waiting = nil
	}
	q.taken, q.writing = next, len(next) > 0
	return next
}

// unwritten returns those that are in no file yet, for all that is known.
func (q *letters) unwritten() []*letter {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Concat(q.taken, q.waiting)
}

func (l *letter) retained() int64 {
	return int64(unsafe.Sizeof(*l)) + int64(cap(l.record)+len(l.reason))
}

// retained is how many bytes the letters take.
func (q *letters) retained() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

// RejectsWait tells whether letters hold their part of the room: what the broker refused
// waits in its batches then, a few bytes a record.
func (p producerObserver) RejectsWait() bool {
	return p.out.letters.retained() > p.out.cfg.BufferLimit/8
}

// writeLetters writes letters while there are any.
func (o *Output) writeLetters() {
	for all := o.letters.take(); len(all) > 0; all = o.letters.take() {
		o.producer.TellRejected()
		o.writeSome(all)
	}
	o.producer.TellRejected()
}

// writeSome writes letters, counts their records and ends them. Those of a chunk that went
// back to Fluent Bit come again.
func (o *Output) writeSome(all []*letter) {
	defer func() {
		if r := recover(); r != nil {
			o.logPanic(r)
			giveBack(all)
		}
	}()
	var lines []byte
	var written []*letter
	for _, l := range all {
		if l.share.chunk.currentResult() == Pending {
			lines, written = l.append(lines), append(written, l)
		}
	}
	if len(written) == 0 {
		return
	}
	kept, err := o.deadLetterFile.write(lines)
	if errors.Is(err, os.ErrClosed) { // the output ends: what is in no file counts nowhere
		giveBack(written)
		return
	}
	o.countLetters(written[:kept], nil)
	if err != nil {
		o.health.deadLetterWriteFailed(err)
		o.countLetters(written[kept:], err)
	}
	for _, l := range written {
		l.share.settle(1, l.bytes)
	}
}

func giveBack(all []*letter) {
	for _, l := range all {
		l.share.chunk.setResult(Retry)
	}
}

// countLetters counts the records of letters that are kept, or are not for an error. Those
// that are alike and follow each other count together.
func (o *Output) countLetters(all []*letter, err error) {
	kept, count := "; kept in "+o.cfg.DeadLetterFile, &o.stats.deadLetters.kept
	if err != nil {
		kept, count = "; not kept", &o.stats.deadLetters.lost
	}
	for first := 0; first < len(all); {
		r, tag := all[first].rejects(), all[first].tag
		next := first + 1
		for ; next < len(all) && all[next].tag == tag && r.isLike(all[next]); next++ {
			r.records += all[next].records
		}
		count.Add(int64(r.records))
		o.countRejects(tag, &r, kept)
		first = next
	}
}

func (l *letter) rejects() rejects {
	return rejects{l.kind, l.kafkaError != "", l.reason, l.records}
}

func (r *rejects) isLike(l *letter) bool {
	return r.kind == l.kind && r.byBroker == (l.kafkaError != "")
}
