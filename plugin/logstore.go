package plugin

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"out_sls_kafka/plugin/config"
)

const (
	// maxUnknownNames is how many names of logstores are remembered that the service has
	// not confirmed: anybody's text may stand in the field of logstore_key. Records of
	// further ones wait for a place.
	maxUnknownNames = 1000
	// maxDivertedNames is how many are remembered whose records go elsewhere.
	maxDivertedNames = 10_000
	// maxRoutes bounds the values of logstore_key that are remembered.
	maxRoutes = 4096
	// nameBytes is about what a logstore costs, its topic and a batch included.
	nameBytes = 2 << 10
	// A name is forgotten when nothing came for it for a while.
	unknownIdleTimeout = time.Minute
	knownIdleTimeout   = time.Hour
)

// logstore is one that records go to, or wait for.
type logstore struct {
	name, topic string
	account     account
	usedAt      atomic.Pointer[time.Time] // when a chunk had records for it last; nil: none had. See use
	diverted    atomic.Pointer[diversion] // nil: its records go to it
	lastAck     atomic.Pointer[time.Time] // nil: none yet
	crowded     atomic.Bool               // it was logged that it has too many shards
	incident    incident                  // guarded by health.mu
	askedAt     time.Time                 // when it was held up, and asked about, last; of tickLogstores

	// Guarded by logstores.mu.
	confirmed    bool      // the service knows it
	holds        bool      // it is one of maxHolders
	passes       bool      // it is not, and passes its place on
	fixed        bool      // an option names it: it has its place whatever records name
	missingSince time.Time // zero: the service has not said that it does not exist
}

// logstores are those of one output. Values of logstore_key, routes, are remembered too,
// so that a record costs a look-up and no allocation.
type logstores struct {
	cfg    *config.Config
	common *logstore // the option logstore
	stray  *logstore // stands for it where logstore_allowed does not have a name
	// Rejected records take the room of this one until they are kept, which no other pays
	// for: a disk may hang.
	letters *logstore
	single  bool // there are no others
	added   func(*logstore)
	crowd   account // chunks wait for it while there are too many unknown names

	mu      sync.RWMutex
	routes  map[string]*logstore
	byTopic map[string]*logstore
	unknown int // neither confirmed nor diverted
	diverts int
	holders int
	passed  passed
}

func (l *logstores) open(cfg *config.Config, added func(*logstore)) {
	e := &cfg.Encoding
	l.cfg, l.single, l.added = cfg, e.RouteField == "" && e.MetricsRoute == "" && e.TracesRoute == "", added
	l.common = &logstore{name: cfg.Logstore, topic: cfg.Topic(cfg.Logstore)}
	l.common.account.known = l.single
	l.stray = &logstore{name: cfg.Logstore}
	l.letters = &logstore{account: account{known: true, letters: true}}
	l.routes = make(map[string]*logstore)
	l.byTopic = map[string]*logstore{l.common.topic: l.common}
}

// find returns the logstore that route names, or the configured one if route is not a
// valid name, or l.stray. It returns nil if the name is new and has to wait for a place. What
// it returns is not forgotten before it is idle: a chunk that waits for a forgotten one
// waits for ever.
func (l *logstores) find(route []byte, now time.Time) *logstore {
	if len(route) > config.MaxLogstoreName { // anybody's text may stand there: it is not remembered
		return l.unnamed()
	}
	l.mu.RLock()
	to, ok := l.routes[string(route)]
	if ok {
		to.use(now)
	}
	l.mu.RUnlock()
	if ok {
		return to
	}
	return l.findNew(string(route), now)
}

// unnamed returns where records go whose route names no logstore that may be used.
func (l *logstores) unnamed() *logstore {
	if l.cfg.LogstoreAllowed.Limited() {
		return l.stray
	}
	return l.common
}

func (l *logstores) findNew(route string, now time.Time) *logstore {
	valid := config.ValidLogstore.MatchString(route) && l.cfg.LogstoreAllowed.Has(route) || route == l.common.name
	to, isNew := l.unnamed(), false
	l.mu.Lock()
	if valid {
		to, isNew = l.addLocked(route, false)
	}
	if to != nil {
		if len(l.routes) >= maxRoutes {
			clear(l.routes)
		}
		l.routes[route] = to
		to.use(now)
	}
	l.mu.Unlock()
	if isNew {
		l.added(to)
	}
	return to
}

// fixed returns the logstore that an option names, which logstore_allowed needs not have.
// What a record names is looked up by find alone.
func (l *logstores) fixed(name string, now time.Time) *logstore {
	l.mu.Lock()
	to, isNew := l.addLocked(name, true)
	to.fixed = true
	to.use(now)
	l.mu.Unlock()
	if isNew {
		l.added(to)
	}
	return to
}

// addLocked returns the logstore of a name. It is nil if too many names are unknown, or if
// this one had its turn; never for that of an option.
func (l *logstores) addLocked(name string, fixed bool) (to *logstore, isNew bool) {
	topic := l.cfg.Topic(name)
	if to = l.byTopic[topic]; to != nil {
		return to, false
	}
	if !fixed && (l.unknown >= maxUnknownNames || l.passed.has(name)) {
		return nil, false
	}
	to = &logstore{name: name, topic: topic, askedAt: time.Now()}
	l.byTopic[topic] = to
	l.unknown++
	return to, true
}

// ofTopic returns the logstore of a topic; nil: it is forgotten.
func (l *logstores) ofTopic(topic string) *logstore {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byTopic[topic]
}

// all returns all logstores.
func (l *logstores) all() []*logstore {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := make([]*logstore, 0, len(l.byTopic))
	for _, to := range l.byTopic {
		all = append(all, to)
	}
	return all
}

// use notes that a chunk has records for the logstore. It is called for each record, and
// keeps one time in usedStep. The time has the monotonic clock: the other may be set
// forward, and a logstore that a chunk waits for forgotten, or back by hours, and all kept.
func (to *logstore) use(now time.Time) {
	if last := to.usedAt.Load(); last == nil || now.Sub(*last) >= usedStep {
		at := now
		to.usedAt.Store(&at)
	}
}

const usedStep = time.Second / 10

// unusedFor is how long no chunk had records for the logstore.
func (to *logstore) unusedFor(now time.Time) time.Duration {
	if last := to.usedAt.Load(); last != nil {
		return now.Sub(*last)
	}
	return math.MaxInt64
}

// acked returns when records of the logstore were acknowledged last; zero: never.
func (to *logstore) acked() (at time.Time) {
	if last := to.lastAck.Load(); last != nil {
		at = *last
	}
	return at
}

// idleLocked tells whether nothing came for a logstore for so long that it may be forgotten.
func (to *logstore) idleLocked(now time.Time) bool {
	timeout := unknownIdleTimeout
	if to.confirmed {
		timeout = knownIdleTimeout
	}
	return to.unusedFor(now) > timeout
}

// forget removes logstores that nothing came for; used tells whether records are in
// flight or wait for one. It returns the removed ones.
func (l *logstores) forget(now time.Time, used func(*logstore) bool) (forgotten []*logstore) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, to := range l.byTopic {
		crowded := to.diverted.Load() != nil && l.diverts > maxDivertedNames
		if to == l.common || !crowded && !to.idleLocked(now) || used(to) {
			continue
		}
		switch {
		case to.diverted.Load() != nil:
			l.diverts--
		case !to.confirmed:
			l.unknown--
		}
		l.endHoldLocked(to)
		delete(l.byTopic, topic)
		forgotten = append(forgotten, to)
	}
	if len(forgotten) > 0 {
		clear(l.routes)
	}
	return forgotten
}

// names returns how many names are remembered, and whether another unknown one may be.
func (l *logstores) names() (known int, room bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byTopic), l.unknown < maxUnknownNames
}

// retained is about how many bytes the routes remembered take.
func (l *logstores) retained() (bytes int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	const entry = 100 // of the map
	for route := range l.routes {
		bytes += int64(len(route) + entry)
	}
	return bytes + int64(len(l.byTopic))*nameBytes/4 // the rest is the producer's
}
