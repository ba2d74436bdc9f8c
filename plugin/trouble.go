package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"out_sls_kafka/plugin/display"
)

const (
	// maxTroubleLines is how many lines a minute name a logstore in trouble each. One line
	// counts the others.
	maxTroubleLines = 20
	// maxNamedStores is how many of the others it names.
	maxNamedStores = 5
)

// troubledStores are the logstores of an output with several that have an incident. It
// is guarded by health.mu.
type troubledStores struct {
	all     map[*logstore]struct{}
	lines   int // logged since
	since   time.Time
	skipped map[*logstore]struct{} // that got no line since
}

// storeFailed notes that records of one of several logstores failed, or what is asked
// about it.
func (h *health) storeFailed(to *logstore, err error) {
	if h.ignores(err) {
		return
	}
	h.out.stats.failures.add(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if to.incident.current == 0 {
		if h.troubled.all == nil {
			h.troubled.all = make(map[*logstore]struct{})
		}
		h.troubled.all[to] = struct{}{}
	}
	to.incident.fail(now, to.name, err)
	h.troubled.logLocked(h, to, now)
}

// logLocked logs the last failure of a logstore if it is due, and not too many others
// were.
func (t *troubledStores) logLocked(h *health, to *logstore, now time.Time) {
	if to.incident.due(now) && t.mayLogLocked(h, to, now) {
		h.logIncidentLocked(&to.incident, now)
	}
}

// mayLogLocked tells whether a line about a logstore is not one too many in this minute.
func (t *troubledStores) mayLogLocked(h *health, to *logstore, now time.Time) bool {
	if now.Sub(t.since) >= logInterval {
		t.logSkippedLocked(h)
		t.since, t.lines = now, 0
	}
	if t.lines >= maxTroubleLines {
		if t.skipped == nil {
			t.skipped = make(map[*logstore]struct{})
		}
		t.skipped[to] = struct{}{}
		return false
	}
	t.lines++
	delete(t.skipped, to)
	return true
}

// logSkippedLocked logs the line about the logstores that got none.
func (t *troubledStores) logSkippedLocked(h *health) {
	var names []string
	for to := range t.skipped {
		if to.incident.current != 0 {
			names = append(names, to.name)
		}
	}
	clear(t.skipped)
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	more := ""
	if n := len(names) - maxNamedStores; n > 0 {
		names, more = names[:maxNamedStores], fmt.Sprintf(" and %d more", n)
	}
	h.out.log.Errorf("other logstores are in trouble too: %s%s", strings.Join(names, ", "), more)
}

// forget ends the incidents of logstores that are not remembered, without a line: there
// may be thousands each second.
func (h *health) forget(all []*logstore) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, to := range all {
		delete(h.troubled.all, to)
		delete(h.troubled.skipped, to)
	}
}

// tickLocked repeats the lines of incidents that last, and finds out which are over.
func (t *troubledStores) tickLocked(h *health, now time.Time) {
	for to := range t.all {
		switch i := &to.incident; {
		case now.Sub(i.lastFailure) >= recoveryWindow && !h.out.producer.Failing(to.topic) && h.storeEndedLocked(to, now):
			delete(t.all, to)
			i.current, i.lastErr = 0, nil
		default:
			t.logLocked(h, to, now)
		}
	}
}

// storeEndedLocked tells whether the incident of a logstore that does not fail now is
// over: records arrived there since, or none come any more. It logs that they arrive.
func (h *health) storeEndedLocked(to *logstore, now time.Time) bool {
	i := &to.incident
	if to.acked().After(i.lastFailure) {
		if i.logged {
			h.out.log.Infof("logstore %s: delivery works again after %v [%s]", to.name, now.Sub(i.start).Round(time.Second), h.out.loadSummary())
		}
		return true
	}
	return !h.out.admission.inUse(to) && to.unusedFor(now) > unknownIdleTimeout
}

// logDiverted logs that the records of a logstore go elsewhere from now on.
func (h *health) logDiverted(to *logstore, reject bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.troubled.mayLogLocked(h, to, time.Now()) {
		return
	}
	what := fmt.Sprintf("its records go to logstore %s", h.out.cfg.Logstore)
	if reject {
		what = "its records are rejected"
	}
	h.out.log.Warnf("logstore %s does not exist: %s until it does (unknown_logstore)", to.name, what)
}

// logCrowded logs, once a minute, that records wait since too many names of logstores
// are unknown.
func (h *health) logCrowded(tag string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.crowdedLogged.due() {
		h.out.log.Errorf("records of tag %q wait: logstore_key gave %d names that SLS does not know, and others are asked about in turn; check the field", display.Cut(tag), maxUnknownNames)
	}
}
