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

// health logs incidents: from the first failure until delivery works again. For each
// kind of failure there is one line at the start and one a minute while it lasts,
// and one line at the end of the incident.
type health struct {
	out *Output

	lastAck      atomic.Pointer[time.Time] // nil: none yet. With the monotonic clock: the other may be set back
	checkingFile atomic.Bool               // whether credentials_file changed

	mu          sync.Mutex
	current     failure.Kind               // the last kind of failure of the incident; 0: no incident
	start       time.Time                  // of the incident
	logged      bool                       // a line about the incident was logged
	loggedAt    map[failure.Kind]time.Time // the last line of each kind
	lastFailure time.Time
	lastErr     error
	logstore    string // which lastErr is about
	connectErr  error  // why the latest connection could not be made, nil once one was
	probe       probe

	rejectLogged      map[failure.Kind]time.Time
	rejectSkipped     map[failure.Kind]int
	writeFailedLogged time.Time
	heldLogged        time.Time
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

// acked notes that records were acknowledged.
func (h *health) acked() {
	now := time.Now()
	h.lastAck.Store(&now)
}

// lastAcked returns when records were acknowledged last; zero: never.
func (h *health) lastAcked() (at time.Time) {
	if last := h.lastAck.Load(); last != nil {
		at = *last
	}
	return at
}

// healthy tells whether there is no incident.
func (h *health) healthy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current == 0
}

// failed notes that records of a topic, or a connection, failed.
func (h *health) failed(topic string, err error) {
	if h.out.closed() || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noteFailureLocked(time.Now(), topic, h.causeLocked(err))
}

// causeLocked returns why the last connection could not be made if err is that the
// client's time was over: it may have been trying to connect until then.
func (h *health) causeLocked(err error) error {
	if h.connectErr != nil && errors.Is(err, context.DeadlineExceeded) {
		return h.connectErr
	}
	return err
}

// noteFailureLocked begins an incident, or continues it with another failure.
func (h *health) noteFailureLocked(now time.Time, topic string, err error) {
	if h.current == 0 {
		h.start, h.logged = now, false
	}
	h.current, h.lastFailure, h.lastErr, h.logstore = failure.Of(err).Kind, now, err, h.out.cfg.LogstoreOf(topic)
	h.logIncidentLocked(now)
}

// logIncidentLocked logs the last failure of the incident, unless there was a line
// about its kind within logInterval.
func (h *health) logIncidentLocked(now time.Time) {
	if last, ok := h.loggedAt[h.current]; ok && now.Sub(last) < logInterval {
		return
	}
	if h.loggedAt == nil {
		h.loggedAt = make(map[failure.Kind]time.Time)
	}
	h.loggedAt[h.current], h.logged = now, true
	h.out.log.Errorf("%s [%s]", h.out.cfg.Advice(h.logstore, h.lastErr), h.out.loadSummary())
}

// tick is called about once a second: it repeats the line of an incident that lasts,
// notices that nothing is answered, and finds out and logs that an incident is over.
func (h *health) tick(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ack := h.lastAcked()
	if h.current == 0 {
		h.checkNoAnswerLocked(now, ack)
		return
	}
	h.logIncidentLocked(now)
	h.checkCredentialsLocked()
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
