package produce

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type batchRecord struct {
	owner      Owner
	key, value string
	nilKey     bool
	millis     int64
}

// A batch is what the protocol's own code reads, and what was put into it,
// with every codec.
func TestBatch(t *testing.T) {
	t.Parallel()
	one, two := new(fakeOwner), new(fakeOwner)
	records := []batchRecord{
		{one, "", "first", true, 1_760_000_000_123},
		{one, "", "", false, 1_760_000_000_000}, // earlier than the first
		{two, "key", string(bytes.Repeat([]byte("long "), 5000)), false, 0},
		{one, "k", "last", false, 4_000_000_000_000},
	}
	for _, codec := range []string{"none", "gzip", "lz4", "snappy", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			p := &Producer{options: options()}
			var err error
			if p.compressors, err = newCompressors(codec, -1); err != nil {
				t.Fatal(err)
			}
			b := new(batch)
			for _, r := range records {
				key := []byte(r.key)
				if r.nilKey {
					key = nil
				}
				p.reserve(b, RecordBytes(key, []byte(r.value)))
				b.own(r.owner)
				b.add(key, []byte(r.value), r.millis)
			}
			if p.compressors.usual != nil {
				p.compress(b, false)
			}
			b.writeHeader()
			checkHeader(t, b)
			var got []batchRecord
			if err := b.eachRecord(func(o Owner, key, value []byte, millis int64) {
				got = append(got, batchRecord{o, string(key), string(value), key == nil, millis})
			}); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(records) {
				t.Errorf("%d records came back unlike the %d put in", len(got), len(records))
			}
			if r := b.runs; len(r) != 3 || r[0].owner != one || r[0].records != 2 || r[1].owner != two || r[1].records != 1 || r[2].owner != one || r[2].records != 1 {
				t.Errorf("runs %v", b.runs)
			}
		})
	}
}

func checkHeader(t *testing.T, b *batch) {
	t.Helper()
	var h kmsg.RecordBatch
	if err := h.ReadFrom(b.wire); err != nil {
		t.Fatal(err)
	}
	if int(h.Length) != len(b.wire)-atEpoch || h.Magic != 2 || h.NumRecords != 4 || h.LastOffsetDelta != 3 || h.Attributes != int16(b.codec) {
		t.Errorf("length %d of %d, magic %d, %d records, last offset %d, attributes %d", h.Length, len(b.wire), h.Magic, h.NumRecords, h.LastOffsetDelta, h.Attributes)
	}
	if h.FirstTimestamp != 1_760_000_000_123 || h.MaxTimestamp != 4_000_000_000_000 {
		t.Errorf("times %d to %d", h.FirstTimestamp, h.MaxTimestamp)
	}
	if h.ProducerID != -1 || h.ProducerEpoch != -1 || h.FirstSequence != -1 || h.PartitionLeaderEpoch != -1 {
		t.Errorf("producer %d, epoch %d, sequence %d, leader epoch %d: want -1", h.ProducerID, h.ProducerEpoch, h.FirstSequence, h.PartitionLeaderEpoch)
	}
	if want := int32(crc32.Checksum(b.wire[atAttributes:], crc32.MakeTable(crc32.Castagnoli))); h.CRC != want {
		t.Errorf("CRC %d, want %d", h.CRC, want)
	}
}

// gzip has compressors of their own for small batches and for a backlog, if no
// level is set.
func TestGzipCompressors(t *testing.T) {
	t.Parallel()
	length := func(level, size int, backlog bool) int {
		c, err := newCompressors("gzip", level)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		compressed, codec := c.compress(&b, logLines(size), backlog)
		if got, err := kgo.DefaultDecompressor().Decompress(compressed, codec); err != nil || !bytes.Equal(got, logLines(size)) {
			t.Errorf("%d bytes came back of %d: %v", len(got), size, err)
		}
		return len(compressed)
	}
	const unset, large = -1, smallBatchBytes + 1
	if length(unset, smallBatchBytes, false) == length(GzipLevel, smallBatchBytes, false) {
		t.Error("a small batch is compressed like a large one")
	}
	if length(unset, large, false) != length(GzipLevel, large, false) {
		t.Error("a large batch is compressed like a small one")
	}
	if length(GzipLevel, large, true) != length(GzipLevel, large, false) {
		t.Error("a level that is set is not kept to")
	}
	if backlog, want := length(unset, large, true), length(BacklogGzipLevel, large, false); backlog != want || want == length(unset, large, false) {
		t.Errorf("a batch of a backlog has %d bytes, %d at level %d, %d where there is time", backlog, want, BacklogGzipLevel, length(unset, large, false))
	}
}

// logLines returns size bytes that look like logs.
func logLines(size int) []byte {
	var b []byte
	for n := uint32(0); len(b) < size; n++ {
		b = fmt.Appendf(b, "10.0.%d.%d GET /orders/%d 200 %d\n", n*2654435761>>24, n%200, n*2654435761>>12, n*40503%9000)
	}
	return b[:size]
}

// A batch is compressed as one of a backlog while others wait, the last one is not.
func TestCompressLoopBacklog(t *testing.T) {
	t.Parallel()
	p := &Producer{options: options(), compressWorkers: 1}
	var err error
	if p.compressors, err = newCompressors("gzip", -1); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.uncompressedQueue = append(p.uncompressedQueue, &batch{wire: append(make([]byte, batchHeaderBytes), logLines(1<<16)...)})
	}
	batches := slices.Clone(p.uncompressedQueue)
	p.compressLoop()
	length := func(i int) int { return len(batches[i].wire) }
	if length(0) != length(1) || length(1) <= length(2) {
		t.Errorf("%d, %d and %d bytes: want the last one to be smaller than those it waited behind", length(0), length(1), length(2))
	}
}

// A corrupt batch is an error when it is read back.
func TestCorruptBatch(t *testing.T) {
	t.Parallel()
	p := &Producer{options: options()}
	b := new(batch)
	p.reserve(b, RecordBytes(nil, []byte("value")))
	b.own(new(fakeOwner))
	b.add(nil, []byte("value"), 1)
	whole := b.wire
	for length := batchHeaderBytes; length < len(whole); length++ {
		b.wire = whole[:length]
		if err := b.eachRecord(func(Owner, []byte, []byte, int64) {}); err == nil {
			t.Errorf("no error of a batch cut after %d bytes of %d", length, len(whole))
		}
	}
}

// Nothing is allocated for a record on its way into a batch.
func TestRecordsAllocateNothing(t *testing.T) {
	o := options()
	o.MaxBatchBytes = 1 << 20
	p, err := New(o, newFakeCluster(), &fakeObserver{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.cancel()
	value, owner, now := []byte("hello"), new(fakeOwner), time.Now()
	addBatch := func() {
		q := &p.ensureTopicLocked("demo").shared
		for range 1000 {
			b := p.openBatchLocked(q, RecordBytes(nil, value), now)
			b.own(owner)
			b.add(nil, value, 1)
		}
		p.pool.put(q.takeOpen().wire)
	}
	addBatch() // the first makes the topic, and the buffers
	if n := testing.AllocsPerRun(100, addBatch); n > 5 {
		t.Errorf("%.0f allocations for 1000 records: the batch and its parts alone are allowed", n)
	}
}
