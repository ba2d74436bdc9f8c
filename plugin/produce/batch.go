package produce

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Offsets of the fields in the header of a batch, and the bytes of some.
// Source: https://kafka.apache.org/documentation/#recordbatch
const (
	atLength            = 8 // of what follows the length
	atEpoch             = 12
	atMagic             = 16
	atCRC               = 17 // of what follows the CRC
	atAttributes        = 21
	atLastOffset        = 23
	atFirstTime         = 27
	atLastTime          = 35
	atProducer          = 43
	atCount             = 57
	batchHeaderBytes    = 61
	batchMagic          = 2
	producerFieldsBytes = atCount - atProducer // id, epoch and sequence, all -1: not idempotent
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is a record batch of Kafka's message format 2, as it is sent to a
// partition. Records of several owners may share it. It is sent until it is
// acknowledged, rejected, or released when the producer closes.
type batch struct {
	queue       *queue
	state       batchState
	runs        []run  // the owners of the records, in their order
	wire        []byte // header and records
	count       int    // records
	bytes       int64  // of their values
	size        int    // of wire before compression; 0: not closed yet
	firstMillis int64  // time of the first record, milliseconds since 1970
	minMillis   int64  // of the earliest
	maxMillis   int64  // of the latest
	codec       kgo.CompressionCodecType
	compressed  bool // as small as it gets
	exclusive   bool // not in a request with others: they may be why it is refused, or be lost with it
	unclear     bool // it was in a request that was refused whole, and may be why: only with others like it
	retrying    bool // it was sent before, and Producer.retrying counts it

	history
}

// run is a number of records in a row of one owner.
type run struct {
	owner   Owner
	records int
	bytes   int64 // of RecordBytes
}

// MaxRecordOverhead is the most that a record takes in a batch in addition to its
// key and value, in bytes.
const MaxRecordOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 1

// RecordBytes is the most that a record takes in a batch.
func RecordBytes(key, value []byte) int { return len(key) + len(value) + MaxRecordOverhead }

// add appends a record of the last of the runs. There must be room for it in b.wire.
func (b *batch) add(key, value []byte, millis int64) {
	if b.count == 0 {
		b.firstMillis, b.minMillis, b.maxMillis = millis, millis, millis
	}
	b.minMillis, b.maxMillis = min(b.minMillis, millis), max(b.maxMillis, millis)
	keyLength := int64(len(key))
	if key == nil {
		keyLength = -1
	}
	delta, offset, valueLength := millis-b.firstMillis, int64(b.count), int64(len(value))
	length := 2 + varintSize(delta) + varintSize(offset) + varintSize(keyLength) + varintSize(valueLength) + len(key) + len(value)
	w := binary.AppendVarint(b.wire, int64(length))
	w = append(w, 0) // attributes
	w = binary.AppendVarint(w, delta)
	w = binary.AppendVarint(w, offset)
	w = append(binary.AppendVarint(w, keyLength), key...)
	w = append(binary.AppendVarint(w, valueLength), value...)
	b.wire = append(w, 0) // headers
	b.count++
	b.bytes += valueLength
	run := &b.runs[len(b.runs)-1]
	run.records++
	run.bytes += int64(RecordBytes(key, value))
}

// own makes o the owner of the records that are added next.
func (b *batch) own(o Owner) {
	if last := len(b.runs) - 1; last < 0 || b.runs[last].owner != o {
		b.runs = append(b.runs, run{owner: o})
	}
}

func varintSize(n int64) int {
	return (bits.Len64(uint64(n<<1^n>>63)|1) + 6) / 7
}

// writeHeader writes the header.
func (b *batch) writeHeader() {
	w := b.wire
	clear(w[:atLength]) // the offset is the broker's to say
	binary.BigEndian.PutUint32(w[atLength:], uint32(len(w)-atEpoch))
	binary.BigEndian.PutUint32(w[atEpoch:], ^uint32(0))
	w[atMagic] = batchMagic
	binary.BigEndian.PutUint16(w[atAttributes:], uint16(b.codec))
	binary.BigEndian.PutUint32(w[atLastOffset:], uint32(b.count-1))
	binary.BigEndian.PutUint64(w[atFirstTime:], uint64(b.firstMillis))
	binary.BigEndian.PutUint64(w[atLastTime:], uint64(b.maxMillis))
	for i := range producerFieldsBytes {
		w[atProducer+i] = 0xff
	}
	binary.BigEndian.PutUint32(w[atCount:], uint32(b.count))
	binary.BigEndian.PutUint32(w[atCRC:], crc32.Checksum(w[atAttributes:], castagnoli))
}

func decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec != kgo.CodecZstd {
		return kgo.DefaultDecompressor().Decompress(src, codec)
	}
	// The client's decoder is closed by a finalizer, which no bubble of simulated
	// time survives.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(src, nil)
}

// eachRecord reads the records back. What f gets is valid while b is not changed.
func (b *batch) eachRecord(f func(o Owner, key, value []byte, millis int64)) error {
	src, err := decompress(b.wire[batchHeaderBytes:], b.codec)
	if err != nil {
		return fmt.Errorf("unpack a batch: %w", err)
	}
	for _, run := range b.runs {
		for range run.records {
			length, n := binary.Varint(src)
			end := n + int(length)
			var r kmsg.Record
			if n <= 0 || end < n || end > len(src) {
				return fmt.Errorf("read a batch: a record of %d bytes where %d are left", length, len(src))
			}
			if err := r.UnsafeReadFrom(src[:end]); err != nil {
				return fmt.Errorf("read a batch: %w", err)
			}
			f(run.owner, r.Key, r.Value, b.firstMillis+r.TimestampDelta64)
			src = src[end:]
		}
	}
	return nil
}
