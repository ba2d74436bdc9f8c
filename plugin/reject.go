package plugin

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/display"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/produce"
)

// rejectUnencoded accounts for an event that the encoder rejected.
func (c *Chunk) rejectUnencoded(values []byte, r *encoder.Reject, data []byte) {
	d := deadLetter{time: time.Unix(r.Sec, int64(r.Nsec)), tag: c.tag, logstore: c.out.cfg.Logstore, reason: r.Err.Error(), record: unencoded(values, r, data)}
	kind := failure.Record
	if errors.Is(r.Err, encoder.ErrTooLarge) {
		kind = failure.Size
	}
	c.reject(kind, d, r.Count)
}

// unencoded is what is kept of an event that the encoder rejected.
func unencoded(values []byte, r *encoder.Reject, data []byte) []byte {
	if record := spanBytes(values, r.Record); len(record) > 0 || r.Offset+r.Length > len(data) {
		return record
	}
	return data[r.Offset : r.Offset+r.Length]
}

// rejectMissing accounts for a record whose logstore does not exist.
func (c *Chunk) rejectMissing(b *encoder.Batch, r *encoder.Record) {
	d := deadLetter{time: time.Unix(r.Sec, int64(r.Nsec)), tag: c.tag, logstore: string(b.Bytes(r.Route)), reason: errMissing.Error(), record: b.Bytes(r.Value)}
	d.kafkaError = kerr.UnknownTopicOrPartition.Message
	c.reject(failure.NotFound, d, 1)
}

// reject accounts for records of a piece that are rejected together, which are one of
// the chunk's pending ones and have room if they are kept.
func (c *Chunk) reject(k failure.Kind, d deadLetter, records int) {
	l := letter{deadLetter: d, kind: k, records: records, bytes: int64(len(d.record) + letterBytes)}
	if c.out.deadLetterFile == nil {
		r := l.rejects()
		c.out.countRejects(c.tag, &r, keepNothing)
		return
	}
	l.share = c.shareOf(c.out.logstores.letters)
	c.out.keep(&l)
}

// reject accounts for a record that the broker refused in a batch of its own, or would
// refuse.
func (s *share) reject(topic string, key, value []byte, millis int64, err error) {
	o := s.chunk.out
	reason := display.Part(o.cfg.Secrets.Hide(err.Error()))
	if !errors.Is(err, produce.ErrNotSent) && !errors.Is(err, errMissing) {
		reason = "refused by the broker when sent alone: " + reason
	}
	d := deadLetter{time: time.UnixMilli(millis), tag: s.chunk.tag, logstore: o.cfg.LogstoreOf(topic), reason: reason, record: value}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		d.kafkaError = ke.Message
	}
	l := letter{deadLetter: d, share: s, kind: failure.Of(err).Kind, records: 1, bytes: int64(produce.RecordBytes(key, value))}
	if o.deadLetterFile == nil {
		r := l.rejects()
		o.countRejects(s.chunk.tag, &r, keepNothing)
		s.settle(1, l.bytes)
		return
	}
	if o.admission.extend(s, letterBytes) {
		l.bytes += letterBytes
	}
	o.keep(&l)
}

// keepNothing is what the log says of rejected records without dead_letter_file.
const keepNothing = "; set dead_letter_file to keep such records"

// rejects are rejected records of one kind. With dead_letter_file they count when they
// are kept, or when keeping them failed.
type rejects struct {
	kind     failure.Kind
	byBroker bool
	reason   string // of the first
	records  int
}

func (o *Output) countRejects(tag string, r *rejects, kept string) {
	o.stats.rejected.add(r.kind, r.byBroker, int64(r.records))
	o.health.logRejected(tag, r, kept)
}

// logRejected logs a rejected record, one line a minute for each kind of failure. kept
// is what became of it.
func (h *health) logRejected(tag string, r *rejects, kept string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rejectLogged == nil {
		h.rejectLogged, h.rejectSkipped = make(map[failure.Kind]time.Time), make(map[failure.Kind]int)
	}
	now := time.Now()
	if last, ok := h.rejectLogged[r.kind]; ok && now.Sub(last) < logInterval {
		h.rejectSkipped[r.kind] += r.records
		return
	}
	more := ""
	if n := h.rejectSkipped[r.kind] + r.records - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more of this kind in the last minute)", n)
	}
	h.out.log.Errorf("record of tag %q rejected: %s%s%s%s", display.Cut(tag), r.reason, more, h.sizeHint(r), kept)
	h.rejectLogged[r.kind], h.rejectSkipped[r.kind] = now, 0
}

// sizeHint is what to do about records that are too large.
func (h *health) sizeHint(r *rejects) string {
	limit := h.out.cfg.MaxMessageBytes
	cut := h.out.cfg.Encoding.Oversize == encoder.OversizeTruncate
	switch {
	case r.kind != failure.Size:
		return ""
	case r.byBroker && cut:
		return fmt.Sprintf("; the broker takes less than max_message_bytes (%d): lower it", limit)
	case r.byBroker:
		return fmt.Sprintf("; the broker takes less than max_message_bytes (%d): lower it, and set oversize truncate", limit)
	}
	switch raise := limit < config.MaxMessageBytes; {
	case raise && cut:
		return fmt.Sprintf("; raise max_message_bytes (%d, at most %d): none of its strings is so long that oversize truncate helps", limit, config.MaxMessageBytes)
	case raise:
		return fmt.Sprintf("; raise max_message_bytes (%d, at most %d) or set oversize truncate", limit, config.MaxMessageBytes)
	case cut:
		return "; none of its strings is so long that oversize truncate helps: send less in a record"
	}
	return "; set oversize truncate"
}

// deadLettersDeleted logs that rotation deleted the older file. It happens at most once
// in dead_letter_max_size.
func (o *Output) deadLettersDeleted(records int) {
	o.stats.deadLetters.deleted.Add(int64(records))
	o.log.Warnf("%d rejected records were deleted: dead_letter_file %s reached dead_letter_max_size (%d) again, and the older file made room", records, o.cfg.DeadLetterFile, o.cfg.DeadLetterSize)
}

// deadLetterWriteFailed logs, once a minute, that dead letters could not be
// written.
func (h *health) deadLetterWriteFailed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writeFailedLogged.due() {
		h.out.log.Errorf("rejected records could not be kept: %v", err)
	}
}

// logHeld logs, once a minute, that a record waits that the broker refuses alone.
func (h *health) logHeld(tag, logstore string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heldLogged.due() {
		h.out.log.Warnf("logstore %s: a record of tag %q is refused when sent alone (%s); it waits and is sent again, until others show whether this is its fault or the service's", logstore, display.Cut(tag), display.Part(h.out.cfg.Secrets.Hide(err.Error())))
	}
}
