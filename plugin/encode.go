package plugin

import (
	"unsafe"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/produce"
)

// chunkRoom is what a chunk takes besides its records.
const chunkRoom = 1024

// pieceBytes is how much is encoded at a time: it is still in the processor's
// cache when it is copied into batches.
const pieceBytes = 64 << 10

// workspace is what a chunk is encoded in.
type workspace struct {
	batch   encoder.Batch
	records []produce.Record
}

// keptWorkspace bounds what a workspace may hold to be used again, in bytes: one
// that a huge chunk has blown up is not kept.
const keptWorkspace = 16 << 20

func (o *Output) workspace() *workspace {
	if w, ok := o.workspaces.Get().(*workspace); ok {
		return w
	}
	return new(workspace)
}

func (o *Output) keep(w *workspace) {
	w.batch.Reset()
	clear(w.records[:cap(w.records)]) // a longer piece may have come before
	if w.batch.Size()+cap(w.records)*int(unsafe.Sizeof(produce.Record{})) <= keptWorkspace {
		o.workspaces.Put(w)
	}
}

// encode turns the chunk's msgpack into records and hands them to the
// producer. It returns false where they take more room than there is.
func (c *Chunk) encode(data []byte) bool {
	o := c.out
	w := o.workspace()
	defer o.keep(w)
	b := &w.batch
	o.encoder.Begin(b, data, c.tag)
	defer b.End()
	pos := o.encoder.AppendSome(b, data, 0, pieceBytes)
	room := c.roomFor(b)
	if !o.buffer.settle(c, chunkRoom+room*int64(len(data))/int64(max(1, pos))) {
		return false
	}
	c.pending.Store(1) // so that the chunk does not end before its last record
	records, rejects := 0, 0
	for {
		records, rejects = records+len(b.Records), rejects+len(b.Rejects)
		for i := range b.Rejects {
			c.rejectUnsent(b.Buf, &b.Rejects[i], data)
		}
		c.pending.Add(int64(len(b.Records)))
		w.records = c.records(w.records[:0], b)
		if !o.producer.Add(c, w.records) {
			c.finish(Retry)
			break
		}
		if pos == len(data) {
			break
		}
		b.Reset()
		pos = o.encoder.AppendSome(b, data, pos, pieceBytes)
		room += c.roomFor(b)
	}
	c.unread = records == 0 && rejects > 0
	o.buffer.correct(c, room+chunkRoom)
	c.settle(1)
	return true
}

// records appends the records of b as the producer takes them.
func (c *Chunk) records(dst []produce.Record, b *encoder.Batch) []produce.Record {
	o := c.out
	for i := range b.Records {
		r := &b.Records[i]
		// Kafka has no time before 1970.
		to := produce.Record{Topic: o.topic, Key: o.key, Value: b.Bytes(r.Value), Millis: max(r.Sec, 0)*1000 + int64(r.Nsec)/1e6}
		if r.Key.End > r.Key.Start {
			to.Key = b.Bytes(r.Key)
		}
		if r.Route.End > r.Route.Start {
			to.Topic = o.topics.of(b.Bytes(r.Route))
		}
		dst = append(dst, to)
	}
	return dst
}

// roomFor is what the records of b will take.
func (c *Chunk) roomFor(b *encoder.Batch) int64 {
	return int64(len(b.Buf)) + int64(len(b.Records)*(produce.MaxRecordOverhead+len(c.out.key)))
}

func bytesOf(values []byte, s encoder.Span) []byte { return values[s.Start:s.End:s.End] }

// Acked takes note of records that were acknowledged. It and the next two make a
// chunk a [produce.Owner].
func (c *Chunk) Acked(records int) { c.settle(records) }

// Rejected accounts for a record that the broker refused in a batch of its own.
func (c *Chunk) Rejected(r produce.Record, err error) {
	defer c.out.contain(c)
	c.rejectRefused(r.Topic, r.Value, r.Millis, err)
	c.settle(1)
}

// Released gives the chunk back to Fluent Bit.
func (c *Chunk) Released(int) {
	defer c.out.contain(c)
	c.finish(Retry)
}

// settle takes note of records that were acknowledged, or rejected and
// accounted for.
func (c *Chunk) settle(records int) {
	defer c.out.contain(c)
	if c.pending.Add(-int64(records)) == 0 {
		c.complete()
	}
}

// complete ends a chunk whose every record is acknowledged or rejected.
func (c *Chunk) complete() {
	r := OK
	if c.unread {
		r = Error
	}
	c.mu.Lock()
	letters := c.letters
	c.letters = nil
	c.mu.Unlock()
	if len(letters) == 0 {
		c.finish(r)
		return
	}
	// A file may be slow, and this may be Fluent Bit's thread.
	c.out.background(func() {
		defer c.out.contain(c)
		if err := c.out.letters.write(letters); err != nil {
			c.out.health.unkept(err)
		}
		c.finish(r)
	})
}
