package plugin

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/failure"
)

// rejectUnsent accounts for what the encoder could not make a record of.
func (c *Chunk) rejectUnsent(values []byte, r *encoder.Reject, data []byte) {
	l := letter{time: time.Unix(r.Sec, int64(r.Nsec)), tag: c.tag, logstore: c.out.cfg.Logstore, reason: r.Err.Error(), record: bytesOf(values, r.Record)}
	if len(l.record) == 0 && r.Offset+r.Length <= len(data) {
		l.record = data[r.Offset : r.Offset+r.Length]
	}
	kind := failure.Record
	if errors.Is(r.Err, encoder.ErrTooLarge) {
		kind = failure.Size
	}
	c.reject(kind, &l)
}

// rejectRefused accounts for a record that the broker refused when it was
// alone in its batch.
func (c *Chunk) rejectRefused(topic string, value []byte, millis int64, err error) {
	l := letter{time: time.UnixMilli(millis), tag: c.tag, logstore: c.out.cfg.LogstoreOf(topic),
		reason: "refused by the broker when sent alone: " + err.Error(), record: value}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		l.kafka = ke.Message
	}
	c.reject(failure.Of(err).Kind, &l)
}

func (c *Chunk) reject(k failure.Kind, l *letter) {
	c.out.stats.rejected.add(k, l.kafka != "")
	c.out.health.rejected(k, l)
	if c.out.letters != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.letters = l.append(c.letters)
	}
}

// rejected logs a rejected record, one line a minute for each kind.
func (h *health) rejected(k failure.Kind, l *letter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rejectLogged == nil {
		h.rejectLogged, h.rejectSkipped = make(map[failure.Kind]time.Time), make(map[failure.Kind]int)
	}
	now := time.Now()
	if last, ok := h.rejectLogged[k]; ok && now.Sub(last) < repeat {
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
	if k == failure.Size {
		hint = fmt.Sprintf("; raise max_message_bytes (%d, at most %d) or set oversize truncate", h.out.cfg.MaxMessageBytes, config.MaxMessageBytes)
	}
	h.out.log.Errorf("record of tag %q rejected: %s%s%s%s", l.tag, l.reason, more, hint, kept)
	h.rejectLogged[k], h.rejectSkipped[k] = now, 0
}

// unkept logs, once a minute, that dead letters could not be written.
func (h *health) unkept(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.unkeptLogged) >= repeat {
		h.unkeptLogged = now
		h.out.log.Errorf("rejected records could not be kept: %v", err)
	}
}
