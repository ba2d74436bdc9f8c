package plugin

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/failure"
)

// recheckInterval is how often the service is asked again whether a logstore exists whose
// records go elsewhere.
const recheckInterval = 30 * time.Second

// diversion is what becomes of the records of a logstore that does not exist.
type diversion struct {
	reject  bool      // else they go to the option logstore
	checked time.Time // when the service was asked last
}

// elsewhere is where records go that are diverted.
func (l *logstores) elsewhere(d *diversion) *logstore {
	if d.reject {
		return l.letters
	}
	return l.common
}

// found notes that the service knows a logstore.
func (l *logstores) found(to *logstore) (wasDiverted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to.missingSince = time.Time{}
	wasDiverted = to.diverted.Swap(nil) != nil
	switch {
	case wasDiverted:
		l.diverts--
	case !to.confirmed && to != l.common:
		l.unknown--
	}
	to.confirmed = true
	l.endHoldLocked(to)
	return wasDiverted
}

// missing notes that the service says that a logstore does not exist, and tells whether
// unknown_logstore has its records go elsewhere now.
func (l *logstores) missing(to *logstore, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to.missingSinceLocked().IsZero() {
		to.missingSince = now
	}
	if l.cfg.UnknownLogstore == config.UnknownWait || to == l.common {
		return false
	}
	if to.diverted.Load() != nil {
		return true
	}
	crowded := l.unknown >= maxUnknownNames/2 // others wait for a place
	if now.Sub(to.missingSince) < l.cfg.UnknownLogstoreAfter && !crowded {
		return false
	}
	to.diverted.Store(&diversion{reject: l.cfg.UnknownLogstore == config.UnknownReject, checked: now})
	if !to.confirmed {
		l.unknown--
	}
	to.confirmed = false
	l.diverts++
	return true
}

// errMissing is why records are rejected whose logstore does not exist.
var errMissing = fmt.Errorf("the logstore does not exist, and unknown_logstore is reject: %w", kerr.UnknownTopicOrPartition)

// logstoreMissing does what unknown_logstore says about a logstore that does not exist.
func (o *Output) logstoreMissing(to *logstore, now time.Time) {
	before := to.diverted.Load()
	if !o.logstores.missing(to, now) {
		return
	}
	d := to.diverted.Load()
	if d == nil { // it was found in between
		return
	}
	if d.reject {
		o.producer.Reject(to.topic, errMissing)
	} else {
		o.producer.Divert(to.topic, o.defaultTopic)
	}
	o.producer.Forget(to.topic)
	other := o.logstores.elsewhere(d)
	if other == o.logstores.common {
		o.askCommon()
	}
	o.admission.divert(&to.account, &other.account)
	if before == nil {
		o.health.logDiverted(to, d.reject)
	}
}

// isMissing tells whether an error says that a logstore does not exist.
func isMissing(err error) bool {
	return failure.Of(err).Kind == failure.NotFound && !errors.Is(err, kerr.InvalidTopicException)
}

// tickLogstores forgets names, asks again about missing logstores, and lets those try
// again that wait.
func (o *Output) tickLogstores(now time.Time) {
	if o.logstores.single {
		o.admission.retry([]*account{&o.logstores.common.account, &o.logstores.letters.account})
		return
	}
	forgotten := append(o.logstores.forget(now, o.admission.inUse), o.passPlaces(now)...)
	for _, to := range forgotten {
		o.producer.Forget(to.topic)
	}
	o.health.forget(forgotten)
	names, _ := o.logstores.names()
	o.admission.setNames(names)
	all := o.logstores.all()
	accounts := []*account{&o.logstores.crowd, &o.logstores.letters.account}
	var stale []string
	for _, to := range all {
		accounts = append(accounts, &to.account)
		if o.recheck(to, now) {
			stale = append(stale, to.topic)
		}
	}
	o.producer.Ask(stale...)
	o.admission.retry(accounts)
}

// recheck tells whether the service is to be asked about a logstore: a diverted one that
// records still come for, or one that is held up. It moves on the records that came before
// it was diverted.
func (o *Output) recheck(to *logstore, now time.Time) (ask bool) {
	d := to.diverted.Load()
	if !o.logstores.missingSince(to).IsZero() && (d == nil || o.admission.inUse(to)) {
		o.logstoreMissing(to, now)
	}
	if d == nil {
		if ask = now.Sub(to.askedAt) >= recheckInterval && o.admission.heldUp(to); ask {
			to.askedAt = now
		}
		return ask
	}
	if now.Sub(d.checked) < recheckInterval || to.unusedFor(now) > recheckInterval {
		return false
	}
	return to.diverted.CompareAndSwap(d, &diversion{d.reject, now})
}

func (l *logstores) missingSince(to *logstore) time.Time {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return to.missingSinceLocked()
}

// missingSinceLocked returns since when the service says that a logstore does not exist;
// zero: it took records since it said so last. It may have meant a shard that was merged,
// and metadata, which knew the logstore all the time, do not tell that it is found.
func (to *logstore) missingSinceLocked() (since time.Time) {
	if !to.acked().After(to.missingSince) {
		since = to.missingSince
	}
	return since
}
