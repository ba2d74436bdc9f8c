package plugin

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/produce"
)

// rejectUnencoded accounts for an event that the encoder rejected.
func (c *Chunk) rejectUnencoded(values []byte, r *encoder.Reject, data []byte) {
	d := deadLetter{time: time.Unix(r.Sec, int64(r.Nsec)), tag: c.tag, logstore: c.out.cfg.Logstore, reason: r.Err.Error(), record: spanBytes(values, r.Record)}
	if len(d.record) == 0 && r.Offset+r.Length <= len(data) {
		d.record = data[r.Offset : r.Offset+r.Length]
	}
	kind := failure.Record
	if errors.Is(r.Err, encoder.ErrTooLarge) {
		kind = failure.Size
	}
	c.reject(kind, &d)
}

// rejectByBroker accounts for a record that the broker refused in a batch of its
// own, or would refuse.
func (c *Chunk) rejectByBroker(topic string, value []byte, millis int64, err error) {
	reason := err.Error()
	if !errors.Is(err, produce.ErrNotSent) {
		reason = "refused by the broker when sent alone: " + reason
	}
	d := deadLetter{time: time.UnixMilli(millis), tag: c.tag, logstore: c.out.cfg.LogstoreOf(topic), reason: reason, record: value}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		d.kafkaError = ke.Message
	}
	c.reject(failure.Of(err).Kind, &d)
}

func (c *Chunk) reject(k failure.Kind, d *deadLetter) {
	c.out.stats.rejected.add(k, d.kafkaError != "")
	c.out.health.logRejected(k, d)
	if c.out.deadLetterFile != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pendingDeadLetters = d.append(c.pendingDeadLetters)
	}
}

// logRejected logs a rejected record, one line a minute for each kind of failure.
func (h *health) logRejected(k failure.Kind, d *deadLetter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rejectLogged == nil {
		h.rejectLogged, h.rejectSkipped = make(map[failure.Kind]time.Time), make(map[failure.Kind]int)
	}
	now := time.Now()
	if last, ok := h.rejectLogged[k]; ok && now.Sub(last) < logInterval {
		h.rejectSkipped[k]++
		return
	}
	more := ""
	if n := h.rejectSkipped[k]; n > 0 {
		more = fmt.Sprintf(" (and %d more of this kind in the last minute)", n)
	}
	kept := "; set dead_letter_file to keep such records"
	if h.out.cfg.DeadLetterFile != "" {
		kept = "; kept in " + h.out.cfg.DeadLetterFile
	}
	hint := ""
	switch {
	case k == failure.Size && d.kafkaError != "":
		hint = fmt.Sprintf("; the broker takes less than max_message_bytes (%d): lower it, and set oversize truncate", h.out.cfg.MaxMessageBytes)
	case k == failure.Size:
		hint = fmt.Sprintf("; raise max_message_bytes (%d, at most %d) or set oversize truncate", h.out.cfg.MaxMessageBytes, config.MaxMessageBytes)
	}
	h.out.log.Errorf("record of tag %q rejected: %s%s%s%s", d.tag, d.reason, more, hint, kept)
	h.rejectLogged[k], h.rejectSkipped[k] = now, 0
}

// deadLetterWriteFailed logs, once a minute, that dead letters could not be
// written.
func (h *health) deadLetterWriteFailed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.writeFailedLogged) >= logInterval {
		h.writeFailedLogged = now
		h.out.log.Errorf("rejected records could not be kept: %v", err)
	}
}

// logHeld logs, once a minute, that a record waits that the broker refuses alone.
func (h *health) logHeld(tag, logstore string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.heldLogged) >= logInterval {
		h.heldLogged = now
		h.out.log.Warnf("logstore %s: a record of tag %q is refused when sent alone (%v); it waits and is sent again, until others show whether this is its fault or the service's", logstore, tag, err)
	}
}
