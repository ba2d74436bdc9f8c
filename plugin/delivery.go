package plugin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/encoder"
)

// encode turns the chunk's msgpack into records and hands them to the client.
// It returns false where they take more room than there is.
func (c *Chunk) encode(data []byte) bool {
	o := c.out
	m := o.memories.take(c.room)
	b := o.memories.batch()
	defer o.memories.unbatch(b)
	b.Buf = m.grown(len(data))
	o.encoder.Append(b, data, c.tag)
	m.values = b.Buf
	n := len(b.Records)
	if !o.buffer.settle(c, m.room(n)) {
		o.memories.put(m)
		return false
	}
	c.memory = m
	m.records = slices.Grow(m.records, n)[:n]
	bytes := int64(0)
	for i := range b.Records {
		o.fill(&m.records[i], m.values, &b.Records[i])
		bytes += int64(len(m.records[i].Value))
	}
	for i := range b.Rejects {
		c.rejectUnsent(m.values, &b.Rejects[i], data)
	}
	c.unread = n == 0 && len(b.Rejects) > 0
	if c.hand(len(m.records), bytes); c.sent == 0 {
		c.complete()
		return true
	}
	// The last Produce may complete the chunk before it returns: nothing of c
	// may be touched after it.
	client, promise, records := o.client, c.promise, m.records
	for i := range records {
		client.Produce(context.Background(), &records[i], promise)
	}
	return true
}

// fill makes a record for the client. The whole struct is assigned: what the
// client left in it from the last chunk must not count.
func (o *Output) fill(r *kgo.Record, values []byte, e *encoder.Record) {
	*r = kgo.Record{
		Topic:     o.topic,
		Key:       o.key,
		Value:     bytesOf(values, e.Value),
		Timestamp: time.Unix(max(e.Sec, 0), int64(e.Nsec)), // Kafka has no time before 1970
	}
	if e.Key.End > e.Key.Start {
		r.Key = bytesOf(values, e.Key)
	}
	if e.Route.End > e.Route.Start {
		r.Topic = o.topics.of(bytesOf(values, e.Route))
	}
}

func bytesOf(values []byte, s encoder.Span) []byte { return values[s.Start:s.End:s.End] }

// hand begins a pass: n records go to the client, whose values have so many bytes.
func (c *Chunk) hand(n int, bytes int64) {
	c.sent, c.bytes = n, bytes
	c.pending.Store(int64(n))
}

// acknowledged is the promise of every record of the chunk. The client calls
// it from one goroutine at a time.
func (c *Chunk) acknowledged(r *kgo.Record, err error) {
	if err != nil {
		c.failed = append(c.failed, failure{r, err})
	}
	if c.pending.Add(-1) == 0 {
		c.settle()
	}
}

// settle decides what comes next when the client has nothing of the chunk any
// more. It may run inside a promise, so it must not wait or produce.
func (c *Chunk) settle() {
	o := c.out
	defer o.contain(c)
	if n := c.sent - len(c.failed); n > 0 {
		o.stats.acknowledge(int64(n), c.bytes-valueBytes(c.failed))
		o.health.acknowledged()
	}
	if len(c.failed) == 0 {
		c.complete()
		return
	}
	o.health.failed(c.failed[0].err)
	for _, f := range c.failed {
		if classify(f.err).action == takeApart && !o.closed() {
			o.health.failed(f.err)
			o.apart.add(c)
			return
		}
	}
	c.later()
}

// afterApart goes on when the refused records are settled.
func (c *Chunk) afterApart() {
	if len(c.failed) == 0 {
		c.complete()
		return
	}
	c.later()
}

// later sends the failed records again after the backoff.
func (c *Chunk) later() {
	c.attempt++
	c.mu.Lock()
	ended := c.out.closed() // letGo looks for the timer under the same lock
	if !ended {
		c.out.stats.waiting.Add(1)
		c.timer = time.AfterFunc(c.out.cfg.backoff(c.attempt), c.sendAgain)
	}
	c.mu.Unlock()
	if ended {
		c.finish(Retry)
	}
}

// sendAgain produces the failed records, they alone.
func (c *Chunk) sendAgain() {
	o := c.out
	defer o.contain(c)
	o.stats.waiting.Add(-1)
	if o.closed() {
		c.finish(Retry)
		return
	}
	failed := c.failed
	c.failed = nil
	o.stats.resent.Add(int64(len(failed)))
	c.hand(len(failed), valueBytes(failed))
	for _, f := range failed {
		f.record.Context = nil
		o.client.Produce(context.Background(), f.record, c.promise)
	}
}

// complete ends a chunk whose every record is acknowledged or rejected.
func (c *Chunk) complete() {
	r := OK
	if c.unread {
		r = Error
	}
	if len(c.letters) == 0 {
		c.finish(r)
		return
	}
	// A file may be slow, and this may be a promise or Fluent Bit's thread.
	c.out.background(func() {
		defer c.out.contain(c)
		if err := c.out.letters.write(c.letters); err != nil {
			c.out.health.unkept(err)
		}
		c.finish(r)
	})
}

// rejectUnsent accounts for what the encoder could not make a record of.
func (c *Chunk) rejectUnsent(values []byte, r *encoder.Reject, data []byte) {
	l := letter{time: time.Unix(r.Sec, int64(r.Nsec)), tag: c.tag, logstore: c.out.cfg.Logstore, reason: r.Err.Error(), record: bytesOf(values, r.Record)}
	if len(l.record) == 0 && r.Offset+r.Length <= len(data) {
		l.record = data[r.Offset : r.Offset+r.Length]
	}
	trouble := troubleData
	if errors.Is(r.Err, encoder.ErrTooLarge) {
		trouble = troubleSize
	}
	c.reject(trouble, &l)
}

// rejectRefused accounts for a record that the broker refused when it was
// alone in its batch.
func (c *Chunk) rejectRefused(f failure) {
	l := letter{time: f.record.Timestamp, tag: c.tag, logstore: c.out.topics.logstore(f.record.Topic),
		reason: "refused by the broker when sent alone: " + f.err.Error(), record: f.record.Value}
	if ke, ok := errors.AsType[*kerr.Error](f.err); ok {
		l.kafka = ke.Message
	}
	c.reject(classify(f.err).trouble, &l)
}

func (c *Chunk) reject(t trouble, l *letter) {
	c.out.stats.rejected.add(t, l.kafka != "")
	c.out.health.rejected(t, l)
	if c.out.letters != nil {
		c.letters = l.append(c.letters)
	}
}
