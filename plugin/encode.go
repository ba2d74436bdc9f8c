package plugin

import (
	"slices"
	"unsafe"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/produce"
)

// chunkOverhead is the memory of a chunk in addition to its records, in bytes.
const chunkOverhead = 1024

// pieceBytes is how many bytes are encoded at a time: they are still in the
// processor's cache when they are copied into batches.
const pieceBytes = 64 << 10

// workspace is what a chunk is encoded in.
type workspace struct {
	batch   encoder.Batch
	records []produce.Record
}

// maxWorkspaceBytes bounds the memory of a workspace that is kept for the next
// chunk, in bytes.
const maxWorkspaceBytes = 16 << 20

func (o *Output) getWorkspace() *workspace {
	if w, ok := o.workspaces.Get().(*workspace); ok {
		return w
	}
	return new(workspace)
}

func (o *Output) putWorkspace(w *workspace) {
	w.batch.Reset()
	clear(w.records[:cap(w.records)]) // an earlier piece may have had more
	if w.batch.Size()+cap(w.records)*int(unsafe.Sizeof(produce.Record{})) <= maxWorkspaceBytes {
		o.workspaces.Put(w)
	}
}

// encode turns the chunk's msgpack into records and hands them to the
// producer. It returns false where they take more room than there is.
func (c *Chunk) encode(data []byte) bool {
	o := c.out
	w := o.getWorkspace()
	defer o.putWorkspace(w)
	b := &w.batch
	o.encoder.Begin(b, data, c.tag)
	defer b.End()
	pos := o.encoder.AppendSome(b, data, 0, pieceBytes)
	size := c.recordBytes(b)
	if !o.admission.reestimate(c, chunkOverhead+size*int64(len(data))/int64(max(1, pos))) {
		return false
	}
	c.pending.Store(1) // so that the chunk is not done before its last record is added
	records, rejects := 0, 0
	for {
		records, rejects = records+len(b.Records), rejects+len(b.Rejects)
		for i := range b.Rejects {
			c.rejectUnencoded(b.Buf, &b.Rejects[i], data)
		}
		c.pending.Add(int64(len(b.Records)))
		w.records = c.appendRecords(w.records[:0], b)
		if !o.producer.Add(c, w.records) {
			c.setResult(Retry)
			break
		}
		if pos == len(data) {
			break
		}
		b.Reset()
		pos = o.encoder.AppendSome(b, data, pos, pieceBytes)
		size += c.recordBytes(b)
	}
	c.unreadable = records == 0 && rejects > 0
	o.admission.commit(c, size+chunkOverhead)
	c.recordsDone(1)
	return true
}

// appendRecords appends the records of b, as the producer takes them, to dst.
func (c *Chunk) appendRecords(dst []produce.Record, b *encoder.Batch) []produce.Record {
	o := c.out
	first := len(dst)
	dst = slices.Grow(dst, len(b.Records))[:first+len(b.Records)]
	for i := range b.Records {
		r, to := &b.Records[i], &dst[first+i]
		to.Topic, to.Key, to.Value = o.defaultTopic, o.messageKey, b.Bytes(r.Value)
		to.Millis = max(r.Sec, 0)*1000 + int64(r.Nsec)/1e6 // Kafka has no time before 1970
		if r.Key.End > r.Key.Start {
			to.Key = b.Bytes(r.Key)
		}
		if r.Route.End > r.Route.Start {
			to.Topic = o.router.topicFor(b.Bytes(r.Route))
		}
	}
	return dst
}

// recordBytes is the memory that the records of b will take in batches.
func (c *Chunk) recordBytes(b *encoder.Batch) int64 {
	return int64(len(b.Buf)) + int64(len(b.Records)*(produce.MaxRecordOverhead+len(c.out.messageKey)))
}

func spanBytes(values []byte, s encoder.Span) []byte { return values[s.Start:s.End:s.End] }

// Acked counts records that were acknowledged. It, Rejected and Released implement
// [produce.Owner].
func (c *Chunk) Acked(records int) { c.recordsDone(records) }

// Rejected accounts for a record that the broker refused in a batch of its own.
func (c *Chunk) Rejected(r produce.Record, err error) {
	defer c.out.recoverPanic(c)
	c.rejectByBroker(r.Topic, r.Value, r.Millis, err)
	c.recordsDone(1)
}

// Held tells that a record was refused alone and waits. One line a minute names its
// tag.
func (c *Chunk) Held(topic string, err error) {
	defer c.out.recoverPanic(c)
	c.out.health.logHeld(c.tag, c.out.cfg.LogstoreOf(topic), err)
}

// Released gives the chunk back to Fluent Bit.
func (c *Chunk) Released(int) {
	defer c.out.recoverPanic(c)
	c.setResult(Retry)
}

// recordsDone counts records that were acknowledged, or rejected and accounted for.
func (c *Chunk) recordsDone(records int) {
	defer c.out.recoverPanic(c)
	if c.pending.Add(-int64(records)) == 0 {
		c.writeDeadLetters()
	}
}

// writeDeadLetters writes the dead letters of a chunk whose every record is done, if
// it has any, and then gives it its result.
func (c *Chunk) writeDeadLetters() {
	r := OK
	if c.unreadable {
		r = Error
	}
	c.mu.Lock()
	lines, all := c.pendingDeadLetters, c.pendingRejects
	c.pendingDeadLetters, c.pendingRejects = nil, nil
	c.mu.Unlock()
	if len(lines) == 0 {
		c.setResult(r)
		return
	}
	// A file may be slow, and this may be Fluent Bit's thread.
	c.out.background(func() {
		defer c.out.recoverPanic(c)
		c.keepRejects(lines, all)
		c.setResult(r)
	})
}
