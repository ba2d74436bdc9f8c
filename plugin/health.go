package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/failure"
)

const (
	// logInterval is the time between two lines about one kind of failure.
	logInterval = time.Minute
	// recoveryWindow is how long nothing may fail before an incident counts as over.
	recoveryWindow = 3 * time.Second
)

// health logs incidents: from the first failure until delivery works again. One is of
// the output, for what concerns all of it; if there are several logstores, each has its
// own in addition. For each kind of failure there is one line at the start and one a
// minute while it lasts, and one line at the end of the incident.
type health struct {
	out *Output

	lastAck      atomic.Pointer[time.Time] // nil: none yet. With the monotonic clock: the other may be set back
	checkingFile atomic.Bool               // whether credentials_file changed

	mu         sync.Mutex
	incident                  // of the output
	troubled   troubledStores // logstores with an incident
	connectErr error          // why the latest connection could not be made, nil once one was
	probe      probe

	rejectLogged      map[failure.Kind]time.Time
	rejectSkipped     map[failure.Kind]int
	writeFailedLogged minutely
	heldLogged        minutely
	crowdedLogged     minutely
	strayLogged       minutely
	straySkipped      int // records since
	outsideLogged     minutely
}

// incident is guarded by health.mu.
type incident struct {
	current     failure.Kind               // the last kind of failure; 0: no incident
	start       time.Time                  // of the incident
	logged      bool                       // a line about the incident was logged
	loggedAt    map[failure.Kind]time.Time // the last line of each kind
	lastFailure time.Time
	lastErr     error
	logstore    string // which lastErr is about
}

// OnBrokerConnect learns of every connection made or not: the client tries
// several times before a request fails. It implements
// [kgo.HookBrokerConnect].
func (h *health) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	h.mu.Lock()
	h.connectErr = err
	h.mu.Unlock()
	if err != nil && !errors.Is(err, context.Canceled) {
		h.failed(h.out.defaultTopic, err)
	}
}

// acked notes that records were acknowledged, and returns when.
func (h *health) acked() time.Time {
	now := time.Now()
	h.lastAck.Store(&now)
	return now
}

// lastAcked returns when records were acknowledged last; zero: never.
func (h *health) lastAcked() (at time.Time) {
	if last := h.lastAck.Load(); last != nil {
		at = *last
	}
	return at
}

// idleTooLong is after how long without an acknowledgement an output with logstores in
// trouble counts as one whose delivery is in trouble.
const idleTooLong = time.Minute

// minutely is when a line was logged that comes once a minute at most; it is guarded by
// health.mu.
type minutely struct{ at time.Time }

// due tells whether the line may be logged now, and takes it for logged.
func (m *minutely) due() bool {
	now := time.Now()
	if now.Sub(m.at) < logInterval {
		return false
	}
	m.at = now
	return true
}

// healthy tells whether records arrive: the output has no incident, and if
// logstores are in trouble, others still get theirs.
func (h *health) healthy(now time.Time) bool {
	idle := h.out.idle()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.current != 0:
		return false
	case len(h.troubled.all) == 0 || idle:
		return true
	}
	last := h.lastAcked()
	if last.IsZero() {
		last = h.out.metrics.start
	}
	return now.Sub(last) < idleTooLong
}

// troubles returns how many logstores are in trouble.
func (h *health) troubles() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.troubled.all); n > 0 || h.current == 0 || !h.out.logstores.single {
		return n
	}
	return 1
}

// failed notes that records of the option logstore's topic, or a connection, failed.
func (h *health) failed(topic string, err error) {
	if h.ignores(err) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noteFailureLocked(time.Now(), topic, h.causeLocked(err))
}

// ignores tells whether an error is one of the output's own end.
func (h *health) ignores(err error) bool {
	return h.out.closed() || errors.Is(err, kgo.ErrClientClosed)
}

// causeLocked returns why the last connection could not be made if err is that the
// client's time was over: it may have been trying to connect until then.
func (h *health) causeLocked(err error) error {
	if h.connectErr != nil && errors.Is(err, context.DeadlineExceeded) {
		return h.connectErr
	}
	return err
}

// noteFailureLocked begins the output's incident, or continues it with another failure.
func (h *health) noteFailureLocked(now time.Time, topic string, err error) {
	h.out.stats.failures.add(err)
	h.incident.fail(now, h.out.cfg.LogstoreOf(topic), err)
	h.logIncidentLocked(&h.incident, now)
}

// fail begins the incident, or continues it with another failure.
func (i *incident) fail(now time.Time, logstore string, err error) {
	if i.current == 0 {
		i.start, i.logged = now, false
	}
	i.current, i.lastFailure, i.lastErr, i.logstore = failure.Of(err).Kind, now, err, logstore
}

// due tells whether there was no line about the kind of the last failure within
// logInterval.
func (i *incident) due(now time.Time) bool {
	last, ok := i.loggedAt[i.current]
	return !ok || now.Sub(last) >= logInterval
}

// logIncidentLocked logs the last failure of an incident, if it is due.
func (h *health) logIncidentLocked(i *incident, now time.Time) {
	if !i.due(now) {
		return
	}
	if i.loggedAt == nil {
		i.loggedAt = make(map[failure.Kind]time.Time)
	}
	i.loggedAt[i.current], i.logged = now, true
	h.out.log.Errorf("%s [%s]", h.out.cfg.Advice(i.logstore, i.lastErr), h.out.loadSummary())
}

// tick is called about once a second: it repeats the line of an incident that lasts,
// notices that nothing is answered, and finds out and logs that an incident is over.
func (h *health) tick(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ack := h.lastAcked()
	h.troubled.tickLocked(h, now)
	if h.current != 0 || len(h.troubled.all) > 0 {
		h.checkCredentialsLocked()
	}
	if h.current == 0 {
		if len(h.troubled.all) == 0 { // else what waits may wait for its logstore
			h.checkNoAnswerLocked(now, ack)
		}
		return
	}
	h.logIncidentLocked(&h.incident, now)
	if now.Sub(h.lastFailure) < recoveryWindow {
		return
	}
	idle := h.out.idle()
	switch {
	case ack.After(h.lastFailure) && h.out.settled(), idle && h.probe.succeeded.After(h.lastFailure):
		if h.logged {
			h.out.log.Infof("delivery works again after %v [%s]", now.Sub(h.start).Round(time.Second), h.out.loadSummary())
		}
		h.current, h.lastErr = 0, nil
	case idle:
		h.startProbeLocked(now)
	}
}

// checkCredentialsLocked looks whether credentials_file changed, in an incident of any
// kind: what a service answers to a pair that was revoked is not known. One look at a
// time, since a file system may hang.
func (h *health) checkCredentialsLocked() {
	if h.out.cfg.CredentialsFile == "" || !h.checkingFile.CompareAndSwap(false, true) {
		return
	}
	h.out.background(func() {
		defer h.checkingFile.Store(false)
		h.out.closeStaleSessions()
	})
}

// checkNoAnswerLocked begins an incident if the endpoint takes requests and does not
// answer them.
func (h *health) checkNoAnswerLocked(now, ack time.Time) {
	oldest, waiting := h.out.oldestStart()
	limit := h.out.cfg.RequestTimeout + connect.RequestTimeoutOverhead
	if waiting && now.Sub(oldest) >= limit && now.Sub(ack) >= limit {
		h.noteFailureLocked(now, h.out.defaultTopic, fmt.Errorf("%w; the oldest chunk waits for %v", failure.ErrNoAnswer, now.Sub(oldest).Round(time.Second)))
	}
}
