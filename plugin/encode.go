package plugin

import (
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/display"
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
	missing []int // indexes of the records in batch that go nowhere
	strays  strays
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

// encode turns the chunk's msgpack into records and hands them to the producer, piece by
// piece. It returns false if a piece finds no room: then it goes on there the next time.
func (c *Chunk) encode(data []byte) bool {
	o := c.out
	w := o.getWorkspace()
	defer o.putWorkspace(w)
	b := &w.batch
	o.encoder.Begin(b, data, c.tag, c.submitted)
	defer b.End()
	c.routeIsFixed = o.hasFixedRoute(data)
	for end := false; !end; {
		b.Reset()
		next := o.encoder.AppendSome(b, data, c.next, pieceBytes)
		if !c.reservePiece(w, data, len(data)-next.Offset) {
			return false
		}
		c.next, end = next, next.Offset == len(data)
		if !c.addPiece(w, data) {
			c.setResult(Retry)
			break
		}
	}
	c.unreadable = c.records == 0 && c.unencoded > 0
	o.admission.encoded(c, c.recordBytes)
	c.recordsDone(1)
	return true
}

// reservePiece finds room for the records of a piece, after which rest bytes of the
// chunk are left.
func (c *Chunk) reservePiece(w *workspace, data []byte, rest int) bool {
	w.records, w.missing, w.strays = slices.Grow(w.records[:0], len(w.batch.Records)), w.missing[:0], strays{}
	shares := len(c.shares)
	c.countUnencoded(&w.batch, data)
	if !c.route(w) {
		c.dropPiece(shares)
		_, room := c.out.logstores.names()
		c.out.admission.waitForNames(c, &c.out.logstores.crowd, room)
		c.out.health.logCrowded(c.tag)
		return false
	}
	total := int64(0)
	for _, s := range c.shares {
		total += s.pieceBytes
	}
	if !c.out.admission.reserve(c, c.shares, rest) {
		c.dropPiece(shares)
		return false
	}
	c.recordBytes += total
	return true
}

// countUnencoded counts what the rejected events of a piece take until they are kept.
func (c *Chunk) countUnencoded(b *encoder.Batch, data []byte) {
	if c.out.deadLetterFile == nil || len(b.Rejects) == 0 {
		return
	}
	s := c.shareOf(c.out.logstores.letters)
	for i := range b.Rejects {
		s.addToPiece(len(unencoded(b.Buf, &b.Rejects[i], data)) + letterBytes)
	}
}

// dropPiece forgets what the shares would have taken of a piece that finds no room, and
// those that it added: before is how many there were before it. It may be tried for days, and
// the logstores of its names be others each time.
func (c *Chunk) dropPiece(before int) {
	for _, s := range c.shares {
		s.pieceRecords, s.pieceBytes = 0, 0
	}
	for _, s := range c.shares[before:] {
		delete(c.byLogstore, s.logstore)
	}
	clear(c.shares[before:])
	if c.shares = c.shares[:before]; before <= maxShareScan {
		c.byLogstore = nil // it has all, or is not there
	}
}

// addPiece hands the records of a piece to the producer. It returns false if that is
// closed.
func (c *Chunk) addPiece(w *workspace, data []byte) bool {
	b := &w.batch
	c.records, c.unencoded = c.records+len(b.Records), c.unencoded+len(b.Rejects)
	c.noteKeys(b)
	c.noteStrays(&w.strays)
	c.pending.Add(int64(len(w.records)))
	if c.out.deadLetterFile != nil {
		c.pending.Add(int64(len(b.Rejects) + len(w.missing)))
	}
	for i := range b.Rejects {
		c.rejectUnencoded(b.Buf, &b.Rejects[i], data)
	}
	for _, i := range w.missing {
		c.rejectMissing(b, &b.Records[i])
	}
	return c.out.producer.Add(w.records)
}

// noteKeys counts fields that SLS reserves, and those that an option's field replaced,
// and logs the first of each.
func (c *Chunk) noteKeys(b *encoder.Batch) {
	o := c.out
	if isFirst(&b.Reserved, &o.stats.reserved) {
		o.log.Warnf("record of tag %q has the field %q, which SLS reserves (reserved_keys %v); others are counted and not logged",
			display.Cut(c.tag), display.Cut(string(b.Reserved.First)), o.cfg.Encoding.Reserved.Policy)
	}
	if isFirst(&b.Overridden, &o.stats.overridden) {
		o.log.Warnf("record of tag %q has the field %q, which an option adds: its own does not land; others are counted and not logged",
			display.Cut(c.tag), display.Cut(string(b.Overridden.First)))
	}
}

// isFirst counts keys, and tells whether they are the first ones.
func isFirst(keys *encoder.Noted, counter *atomic.Int64) bool {
	n := int64(keys.Count)
	return n > 0 && counter.Add(n) == n
}

// route makes the records of a piece, as the producer takes them, and counts what each
// share takes. It returns false if there are too many unknown names.
func (c *Chunk) route(w *workspace) bool {
	b, key := &w.batch, c.out.messageKey
	to := routing{now: time.Now()}
	for i := range b.Records {
		r := &b.Records[i]
		if !to.next(c, b, r) {
			return false
		}
		if to.stray {
			w.strays.add(to.route)
		}
		if to.reject {
			w.missing = append(w.missing, i)
			to.share.addToPiece(len(b.Bytes(r.Value)) + letterBytes)
			continue
		}
		w.records = w.records[:len(w.records)+1]
		p := &w.records[len(w.records)-1]
		p.Owner, p.Topic, p.Key, p.Value = to.share, to.share.logstore.topic, key, b.Bytes(r.Value)
		p.Millis = max(r.Sec, 0)*1000 + int64(r.Nsec)/1e6 // Kafka has no time before 1970
		if r.Key.End > r.Key.Start {
			p.Key = b.Bytes(r.Key)
		}
		to.share.addToPiece(produce.RecordBytes(p.Key, p.Value))
	}
	return true
}

func spanBytes(values []byte, s encoder.Span) []byte { return values[s.Start:s.End:s.End] }

// recordsDone counts records that were acknowledged, or rejected and accounted for. After
// the last one the chunk has its result.
func (c *Chunk) recordsDone(records int) {
	defer c.out.recoverPanic(c)
	if c.pending.Add(-int64(records)) != 0 {
		return
	}
	r := OK
	if c.unreadable {
		r = Error
	}
	c.setResult(r)
}
