package produce

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// ErrNotSent is that a record was rejected without being sent, because the broker
// refused others for their time that it takes more willingly.
var ErrNotSent = fmt.Errorf("not sent, because records nearer to the present were refused: %w", kerr.InvalidTimestamp)

const (
	// nearby is how far from now, by this clock, a record's time may be for waiting
	// to help: one of the two clocks may be wrong by as much, and then each record
	// that is refused for its time would be taken in a while.
	nearby = time.Hour
	// provingSingles is how many records have to be refused alone.
	provingSingles = 3
	// provedFor is how long that is taken as proof for the others.
	provedFor = time.Minute
)

// age is where a record's time is, seen from now.
type age uint8

const (
	past   age = iota // older than nearby
	near              // within it
	future            // further ahead
)

func ageOf(millis int64, now time.Time) age {
	switch d := now.UnixMilli() - millis; {
	case d > nearby.Milliseconds():
		return past
	case d < -nearby.Milliseconds():
		return future
	}
	return near
}

// mixesAges tells whether the times of a batch's records are of several ages.
func (b *batch) mixesAges(now time.Time) bool {
	return ageOf(b.minMillis, now) != ageOf(b.maxMillis, now)
}

// ages is what the refusals of single records say about the times that a topic
// takes. All records that are older than a refused old one need not be sent to be
// refused, so that a backlog of old lines takes tens of requests, not two for each
// line. It holds for a minute, then it is proved again.
type ages struct {
	past, future proof
}

// proof is what was refused last.
type proof struct {
	singles int
	at      time.Time
	millis  int64
}

// prove notes that a record was refused alone for its time.
func (a *ages) prove(millis int64, now time.Time) {
	switch ageOf(millis, now) {
	case past:
		a.past.add(millis, now)
		a.past.millis = max(a.past.millis, millis) // what was refused stays too old
	case future:
		a.future.add(millis, now)
		a.future.millis = millis // the limit moves with the clock: the latest proof counts
	}
}

func (p *proof) add(millis int64, now time.Time) {
	if now.Sub(p.at) > provedFor {
		*p = proof{millis: millis}
	}
	p.singles++
	p.at = now
}

func (p *proof) holds(now time.Time) bool {
	return p.singles >= provingSingles && now.Sub(p.at) <= provedFor
}

// refuses returns why records with times from earliest to latest need not be sent,
// or nil.
func (a *ages) refuses(earliest, latest int64, now time.Time) error {
	if a.past.singles < provingSingles && a.future.singles < provingSingles {
		return nil
	}
	if a.past.holds(now) && latest <= a.past.millis && ageOf(latest, now) == past {
		return ErrNotSent
	}
	if a.future.holds(now) && earliest >= a.future.millis+a.future.moved(now).Milliseconds() && ageOf(earliest, now) == future {
		return ErrNotSent
	}
	return nil
}

// clockMargin is for what a record is on its way, and for clocks that do not run alike.
const clockMargin = time.Second

// moved is by how much the limit of times ahead, which moves with the broker's clock,
// may have moved since the proof.
func (p *proof) moved(now time.Time) time.Duration {
	if now.Equal(p.at) {
		return 0
	}
	return now.Sub(p.at) + clockMargin
}

// sweepLocked rejects the batches of a topic that a proof of this moment is about.
func (p *Producer) sweepLocked(t *topic, now time.Time) {
	t.eachQueue(func(q *queue) {
		q.fresh = p.sweepLineLocked(t, q.fresh, now)
		q.retry = p.sweepLineLocked(t, q.retry, now)
		for _, b := range p.sweepLineLocked(t, q.side.takeAll(), now) {
			q.side.add(b, now)
		}
	})
}

func (p *Producer) sweepLineLocked(t *topic, line []*batch, now time.Time) []*batch {
	return slices.DeleteFunc(line, func(b *batch) bool {
		err := t.ages.refuses(b.minMillis, b.maxMillis, now)
		if err == nil || b.state != ready {
			return false
		}
		p.rejectLocked(b, err)
		return true
	})
}
