package plugin

import (
	"hash/maphash"
	"time"

	"out_sls_kafka/plugin/config"
)

const (
	// maxHolders is how many logstores may have records in buffer_limit that the service
	// has never known. The other places of maxUnknownNames are taken in turn: else names that
	// somebody made up would hold all of them, and a real one would wait for ever.
	maxHolders = maxUnknownNames / 2
	// freePlaces is how many names at most give up their place in a second, and so about how
	// many more the service is asked about.
	freePlaces = 100
	// passedInterval is how long, twice at most, a name that gave up its place gets no other.
	passedInterval = 30 * time.Second
	maxPassed      = 10_000
	// crowdTries is how many chunks of the crowd are tried in a second, with an eighth of
	// all: a piece of each is encoded.
	crowdTries = 64
)

// passed are the names that gave up their places a short time ago.
type passed struct {
	seed          maphash.Seed
	recent, older map[uint64]struct{}
	since         time.Time // of the recent ones
}

func (p *passed) add(name string, now time.Time) {
	if p.recent == nil {
		p.seed, p.recent, p.since = maphash.MakeSeed(), make(map[uint64]struct{}), now
	}
	p.recent[maphash.String(p.seed, name)] = struct{}{}
	if len(p.recent) >= maxPassed {
		p.age(now)
	}
}

// agePassed forgets names that passed their places on, after a while.
func (l *logstores) agePassed(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := &l.passed; now.Sub(p.since) >= passedInterval && len(p.recent)+len(p.older) > 0 {
		p.age(now)
	}
}

func (p *passed) age(now time.Time) {
	p.older, p.recent, p.since = p.recent, make(map[uint64]struct{}), now
}

func (p *passed) has(name string) bool {
	if len(p.recent)+len(p.older) == 0 {
		return false
	}
	h := maphash.String(p.seed, name)
	_, recent := p.recent[h]
	_, older := p.older[h]
	return recent || older
}

// mayHold tells whether records of a logstore that fails may have room, to wait there until it
// does not. Those that the service has never known may if not too many do: it says that they do
// not exist, or, as Kafka does for who may not know that, that the access is refused.
func (l *logstores) mayHold(to *logstore, missing bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	goesElsewhere := missing && l.cfg.UnknownLogstore != config.UnknownWait
	if to.holds || to.confirmed || to.fixed || to == l.common || goesElsewhere {
		return true
	}
	to.passes = l.holders >= maxHolders
	if to.passes {
		return false
	}
	to.holds = true
	l.holders++
	return true
}

// endHoldLocked notes that a logstore is known, or forgotten.
func (l *logstores) endHoldLocked(to *logstore) {
	if to.holds {
		to.holds = false
		l.holders--
	}
}

// missingPlacesLocked is how many names have to give up their places.
func (l *logstores) missingPlacesLocked() int { return l.unknown - (maxUnknownNames - freePlaces) }

// passOn takes the places of logstores that the service does not know and that have
// nothing in buffer_limit, so that the next names can be asked about. leave moves the chunks
// that wait for one to the crowd, and tells whether it could.
func (l *logstores) passOn(now time.Time, leave func(*account) bool) (forgotten []*logstore) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, to := range l.byTopic {
		if l.missingPlacesLocked() <= 0 {
			break
		}
		if !to.passes || to.confirmed || to.fixed || to.diverted.Load() != nil || !leave(&to.account) {
			continue
		}
		l.unknown--
		l.passed.add(to.name, now)
		delete(l.byTopic, topic)
		forgotten = append(forgotten, to)
	}
	if len(forgotten) > 0 {
		clear(l.routes)
	}
	return forgotten
}

// passPlaces lets names that are not asked about yet have places, if chunks wait for any.
func (o *Output) passPlaces(now time.Time) (forgotten []*logstore) {
	crowd := &o.logstores.crowd
	o.logstores.agePassed(now)
	if o.admission.isWaitedFor(crowd) {
		forgotten = o.logstores.passOn(now, func(from *account) bool { return o.admission.leave(from, crowd) })
	}
	if _, room := o.logstores.names(); room {
		o.admission.tryCrowd(crowd)
	}
	return forgotten
}
