package produce

import (
	"slices"
	"time"

	"out_sls_kafka/plugin/failure"
)

// division is a refused batch that becomes smaller ones.
type division struct {
	batch *batch
	cut   cut
	named []int32 // the records that the broker named
	err   error   // why it was refused
	near  bool    // to the present are the times of all records
}

// cut says how a batch is divided.
type cut uint8

const (
	halves       cut = iota
	uncompressed     // one part: the codec was refused
	byName           // the records that the broker named, the others
	byAge            // old ones, those near to the present, those far ahead
	byTime           // at the widest gap between two times, or in the middle
	nearestApart     // the record that is nearest to the present, the others
)

// divide makes the parts of a batch, without the lock, for it reads and copies all
// records, and puts them in line.
func (p *Producer) divide(d division) {
	now := time.Now()
	parts, err := p.parts(d, now)
	p.mu.Lock()
	defer p.unlock()
	b := d.batch
	b.queue.topic.outside--
	if err != nil { // it was written by this program
		p.observer.Panicked(err)
		b.to(released)
		p.undelivered.released = append(p.undelivered.released, b)
		return
	}
	b.to(divided)
	p.pool.put(b.wire)
	// In this order the later part of two equal ones comes first in the side line.
	for i, part := range parts {
		switch {
		case part == nil:
		case p.closed:
			part.to(released)
			p.undelivered.released = append(p.undelivered.released, part)
		default:
			p.requeueLocked(part, d.line(i), now)
		}
	}
	p.scheduleLocked()
}

// line is where a part waits: those that may be fine go before fresh batches.
func (d *division) line(part int) line {
	switch {
	case d.cut == uncompressed, d.cut == byName && part == 1, d.cut == byAge && age(part) == near, d.blameless():
		return retryLine
	case d.cut == byTime && d.near: // one of them has the right time, most likely
		return retryLine
	}
	return sideLine
}

// parts copies the records of a batch into the batches of its parts. A part without
// records is nil.
func (p *Producer) parts(d division, now time.Time) (parts [3]*batch, err error) {
	b := d.batch
	partOf, err := d.assign(now)
	if err != nil {
		return parts, err
	}
	i := 0
	err = b.eachRecord(func(o Owner, key, value []byte, millis int64) {
		at := partOf(i, millis)
		i++
		if parts[at] == nil {
			parts[at] = d.part()
		}
		p.reserve(parts[at], RecordBytes(key, value))
		parts[at].own(o)
		parts[at].add(key, value, millis)
	})
	for _, part := range parts {
		if part != nil {
			part.size = len(part.wire)
		}
	}
	return parts, err
}

// blames tells whether the batch failed while others came through.
func (d *division) blames() bool { return d.batch.blamed > 0 }

// blameless tells whether nothing shows that the batch is to blame for its failures.
func (d *division) blameless() bool {
	return d.cut == halves && !d.blames() && failure.Of(d.err).Action == failure.Retry
}

// part is an empty part with the history of the whole.
func (d *division) part() *batch {
	part := &batch{queue: d.batch.queue, state: ready, history: d.batch.history, exclusive: d.batch.exclusive, unclear: d.batch.unclear}
	part.compressed = d.cut == uncompressed || d.batch.compressed && d.batch.codec == 0
	if d.blames() {
		part.blamed = 1 // it is for the part to show that it is its fault
	} else {
		part.wait.Reset()
	}
	part.nearest = part.nearest || d.cut == nearestApart
	return part
}

// assign returns the function that tells the part of the record at an index.
func (d *division) assign(now time.Time) (func(i int, millis int64) int, error) {
	b := d.batch
	switch d.cut {
	case uncompressed:
		return func(int, int64) int { return 0 }, nil
	case byName:
		named := make([]bool, b.count)
		for _, n := range d.named {
			if n >= 0 && int(n) < b.count {
				named[n] = true
			}
		}
		return func(i int, _ int64) int { return index(!named[i]) }, nil
	case byAge:
		return func(_ int, millis int64) int { return int(ageOf(millis, now)) }, nil
	case byTime, nearestApart:
		if b.minMillis < b.maxMillis {
			return d.assignByTime(now)
		}
	}
	if d.cut == nearestApart {
		return func(i int, _ int64) int { return index(i == 0) }, nil
	}
	return func(i int, _ int64) int { return index(i >= b.count/2) }, nil
}

// assignByTime divides at the widest gap between two times, or in the middle of the
// records, or separates the one that is nearest to the present. The part that is
// more likely to be taken is the last.
func (d *division) assignByTime(now time.Time) (func(i int, millis int64) int, error) {
	times := make([]int64, 0, d.batch.count)
	err := d.batch.eachRecord(func(_ Owner, _, _ []byte, millis int64) { times = append(times, millis) })
	slices.Sort(times)
	n := len(times)
	ahead := ageOf(times[0], now) == future
	if d.cut == nearestApart {
		nearest, taken := times[n-1], false
		if ahead {
			nearest = times[0]
		}
		return func(_ int, millis int64) int {
			if millis != nearest || taken {
				return 0
			}
			taken = true
			return 1
		}, err
	}
	limit, widest := times[n/2], int64(0)
	for i := range n - 1 {
		if gap := times[i+1] - times[i]; gap > widest {
			limit, widest = times[i+1], gap
		}
	}
	if median := times[n/2]; widest < (times[n-1]-times[0])/2 && median > times[0] {
		limit = median
	}
	return func(_ int, millis int64) int { return index((millis >= limit) != ahead) }, err
}

func index(second bool) int {
	if second {
		return 1
	}
	return 0
}
