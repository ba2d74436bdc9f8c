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
	// repeat is how often a trouble that lasts is logged again.
	repeat = time.Minute
	// calm is how long nothing may fail before a trouble counts as over.
	calm = 3 * time.Second
)

// health says in the log when delivery is in trouble, why, and when it is over:
// for each kind of trouble one line at the start and one a minute while it
// lasts, and one line at the end.
type health struct {
	out *Output

	lastAck atomic.Int64 // Unix nanoseconds

	mu       sync.Mutex
	current  failure.Kind // 0: none
	since    time.Time
	told     bool                       // a line said that there is trouble
	logged   map[failure.Kind]time.Time // the last line of each kind
	lastFail time.Time
	lastErr  error
	logstore string // that lastErr is about
	connect  error  // why the latest connection could not be made, nil once one was
	probe    probe

	rejectLogged  map[failure.Kind]time.Time
	rejectSkipped map[failure.Kind]int
	unkeptLogged  time.Time
}

// OnBrokerConnect learns of every connection made or not: the client tries
// several times before a request fails. It implements
// [kgo.HookBrokerConnect].
func (h *health) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	h.mu.Lock()
	h.connect = err
	h.mu.Unlock()
	if err != nil && !errors.Is(err, context.Canceled) {
		h.failed(h.out.topic, err)
	}
}

// acknowledged notes that records arrived.
func (h *health) acknowledged() { h.lastAck.Store(time.Now().UnixNano()) }

// well tells whether no trouble stands.
func (h *health) well() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current == 0
}

// failed notes that a record of a topic or a connection failed, and logs a new
// trouble.
func (h *health) failed(topic string, err error) {
	if h.out.closed() || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begin(time.Now(), topic, h.reason(err))
}

// reason is what stands behind the client's giving up: its time may be over
// while it still tries to connect. h.mu is held.
func (h *health) reason(err error) error {
	if h.connect != nil && errors.Is(err, context.DeadlineExceeded) {
		return h.connect
	}
	return err
}

// begin notes a trouble. h.mu is held.
func (h *health) begin(now time.Time, topic string, err error) {
	if h.current == 0 {
		h.since, h.told = now, false
	}
	h.current, h.lastFail, h.lastErr, h.logstore = failure.Of(err).Kind, now, err, h.out.cfg.LogstoreOf(topic)
	h.log(now)
}

// log writes the line of the current trouble, unless there was one within the
// last minute. h.mu is held.
func (h *health) log(now time.Time) {
	if last, ok := h.logged[h.current]; ok && now.Sub(last) < repeat {
		return
	}
	if h.logged == nil {
		h.logged = make(map[failure.Kind]time.Time)
	}
	h.logged[h.current], h.told = now, true
	h.out.log.Errorf("%s [%s]", h.out.cfg.Advice(h.logstore, h.lastErr), h.out.load())
}

// tick is called about once a second: it repeats what lasts, notices silence,
// and finds out and says when a trouble is over.
func (h *health) tick(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ack := time.Unix(0, h.lastAck.Load())
	if h.current == 0 {
		h.silence(now, ack)
		return
	}
	h.log(now)
	if h.current == failure.Access {
		h.out.background(h.out.renew)
	}
	if now.Sub(h.lastFail) < calm {
		return
	}
	idle := h.out.idle()
	switch {
	case ack.After(h.lastFail) && h.out.retrying() == 0, idle && h.probe.succeeded.After(h.lastFail):
		if h.told {
			h.out.log.Infof("delivery works again after %v [%s]", now.Sub(h.since).Round(time.Second), h.out.load())
		}
		h.current, h.lastErr = 0, nil
	default:
		h.ask()
	}
}

// silence notices an endpoint that takes requests and answers none. h.mu is held.
func (h *health) silence(now, ack time.Time) {
	oldest, waiting := h.out.oldest()
	limit := h.out.cfg.RequestTimeout + connect.RequestTimeoutOverhead
	if waiting && now.Sub(oldest) >= limit && now.Sub(ack) >= limit {
		h.begin(now, h.out.topic, fmt.Errorf("%w; the oldest chunk waits for %v", failure.ErrNoAnswer, now.Sub(oldest).Round(time.Second)))
	}
}
