package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// repeat is how often a trouble that lasts is logged again.
	repeat = time.Minute
	// calm is how long nothing may fail before a trouble counts as over.
	calm = 3 * time.Second
)

// health says in the log when delivery is in trouble, why, and when it is over:
// one line at the start, one a minute while it lasts, one at the end.
type health struct {
	out *Output

	lastAck atomic.Int64 // Unix nanoseconds

	mu       sync.Mutex
	current  trouble // 0: none
	since    time.Time
	logged   time.Time
	lastFail time.Time
	lastErr  error
	connect  error // why the latest connection could not be made, nil once one was

	rejectLogged  map[trouble]time.Time
	rejectSkipped map[trouble]int
}

// OnBrokerConnect learns of every connection made or not: while the client
// retries on its own, no record's promise tells. It implements
// [kgo.HookBrokerConnect].
func (h *health) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	h.mu.Lock()
	h.connect = err
	h.mu.Unlock()
	if err != nil && !errors.Is(err, kgo.ErrClientClosed) && !errors.Is(err, context.Canceled) {
		h.failed(err)
	}
}

// acknowledged notes that records arrived.
func (h *health) acknowledged() { h.lastAck.Store(time.Now().UnixNano()) }

// failed notes that a record or a connection failed, and logs a new trouble.
func (h *health) failed(err error) {
	if h.out.closed() || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(err, kgo.ErrRecordRetries) && h.connect != nil {
		err = h.connect // the reason behind the giving up
	}
	now := time.Now()
	h.lastFail, h.lastErr = now, err
	t := classify(err).trouble
	if h.current == 0 {
		h.current, h.since = t, now
	} else if h.current == t || now.Sub(h.logged) < calm {
		return
	}
	h.current = t
	h.log(now)
}

// log writes the line of the current trouble. h.mu is held.
func (h *health) log(now time.Time) {
	h.logged = now
	h.out.log.Errorf("%s [%s]", h.out.cfg.advice(h.current, h.lastErr), h.out.load())
}

// tick is called about once a second: it repeats what lasts, notices silence,
// and says when a trouble is over.
func (h *health) tick(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ack := time.Unix(0, h.lastAck.Load())
	if h.current == 0 {
		h.silence(now, ack)
		return
	}
	quiet := now.Sub(h.lastFail) >= calm && h.out.stats.waiting.Load() == 0
	switch {
	case quiet && (ack.After(h.lastFail) || h.out.idle() && h.connect == nil):
		h.out.log.Infof("delivery works again after %v [%s]", now.Sub(h.since).Round(time.Second), h.out.load())
		h.current, h.lastErr = 0, nil
	case now.Sub(h.logged) >= repeat:
		h.log(now)
	}
}

// silence notices an endpoint that takes requests and answers none. h.mu is held.
func (h *health) silence(now, ack time.Time) {
	oldest, waiting := h.out.oldest()
	limit := h.out.cfg.RequestTimeout + answerMargin
	if !waiting || now.Sub(oldest) < limit || now.Sub(ack) < limit {
		return
	}
	h.current, h.since, h.lastFail = troubleSilence, now, now
	h.lastErr = fmt.Errorf("the oldest chunk waits for %v", now.Sub(oldest).Round(time.Second))
	h.log(now)
}

// rejected logs a rejected record, one line a minute for each kind.
func (h *health) rejected(t trouble, l *letter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rejectLogged == nil {
		h.rejectLogged, h.rejectSkipped = make(map[trouble]time.Time), make(map[trouble]int)
	}
	now := time.Now()
	if last, ok := h.rejectLogged[t]; ok && now.Sub(last) < repeat {
		h.rejectSkipped[t]++
		return
	}
	more := ""
	if n := h.rejectSkipped[t]; n > 0 {
		more = fmt.Sprintf(" (and %d more of this kind in the last minute)", n)
	}
	kept := "; set dead_letter_file to keep such records"
	if h.out.cfg.DeadLetterFile != "" {
		kept = "; kept in " + h.out.cfg.DeadLetterFile
	}
	hint := ""
	if t == troubleSize {
		hint = fmt.Sprintf("; raise max_message_bytes (%d, at most %d) or set oversize truncate", h.out.cfg.MaxMessageBytes, MaxMessageBytes)
	}
	h.out.log.Errorf("record of tag %q rejected: %s%s%s%s", l.tag, l.reason, more, hint, kept)
	h.rejectLogged[t], h.rejectSkipped[t] = now, 0
}

// check asks the broker for the logstore's metadata, the real topic's: a
// request without it would not see a refused AccessKey or an unknown logstore.
func (h *health) check(ctx context.Context) error {
	o := h.out
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(o.topic)
	req.Topics = append(req.Topics, topic)
	req.AllowAutoTopicCreation = false
	resp, err := req.RequestWith(ctx, o.client)
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.connect != nil {
			return h.connect
		}
		return err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
		o.log.Infof("logstore %s of project %s is reachable at %s, %d shards", o.cfg.Logstore, o.cfg.Project, o.cfg.endpoints(), len(t.Partitions))
		return nil
	}
	return kerr.UnknownTopicOrPartition
}
