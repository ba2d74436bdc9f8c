package simkafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where things stand in a batch of format 2 (Kafka protocol, "Record Batch").
const (
	lengthEnd    = 12 // the length counts what follows it
	checksumEnd  = 21 // and so does the checksum
	attributesAt = 21
	codecMask    = 7
	codecZstd    = 4
)

// marker stands before a record's number in its value, in the first idWithin bytes.
const (
	marker   = `"id":`
	idWithin = 120
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codecOf reads the codec of a batch, however damaged it is.
func codecOf(raw []byte) int {
	if len(raw) < attributesAt+2 {
		return 0
	}
	return int(raw[attributesAt+1] & codecMask)
}

// readBatch finds the records in a batch, or what is wrong with it.
func (c *Cluster) readBatch(raw []byte) ([]record, error) {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		return nil, fmt.Errorf("a batch: %w", err)
	}
	switch {
	case b.Magic != 2:
		return nil, fmt.Errorf("a batch of format %d", b.Magic)
	case int(b.Length) != len(raw)-lengthEnd:
		return nil, fmt.Errorf("a batch of %d bytes says that %d follow its length", len(raw), b.Length)
	case crc32.Checksum(raw[checksumEnd:], castagnoli) != uint32(b.CRC):
		return nil, errors.New("a batch with a wrong checksum")
	case b.Attributes&^codecMask != 0 || b.Attributes > codecZstd:
		return nil, fmt.Errorf("a batch with attributes %#x", b.Attributes)
	case b.ProducerID != -1:
		return nil, fmt.Errorf("a batch of producer %d, and no producer gets an id here", b.ProducerID)
	case b.NumRecords < 1 || b.LastOffsetDelta != b.NumRecords-1:
		return nil, fmt.Errorf("a batch of %d records, the last at %d", b.NumRecords, b.LastOffsetDelta)
	}
	src, err := c.decompress(b.Records, b.Attributes)
	if err != nil {
		return nil, fmt.Errorf("a batch of codec %d: %w", b.Attributes, err)
	}
	return c.readRecords(&b, src)
}

// decompress is called with the lock held: the decoders serve one at a time.
func (c *Cluster) decompress(src []byte, codec int16) ([]byte, error) {
	if codec == codecZstd {
		return c.unpackZS.DecodeAll(src, nil)
	}
	return c.unpack.Decompress(src, kgo.CompressionCodecType(codec))
}

func (c *Cluster) readRecords(b *kmsg.RecordBatch, src []byte) ([]record, error) {
	records := make([]record, 0, min(int(b.NumRecords), len(src)))
	latest := int64(math.MinInt64)
	for i := range b.NumRecords {
		length, n := binary.Varint(src)
		if n <= 0 || length < 0 || length > int64(len(src)-n) {
			return nil, fmt.Errorf("record %d of %d ends after its batch", i, b.NumRecords)
		}
		millis, value, err := readRecord(i, src[n:n+int(length)])
		if err != nil {
			return nil, fmt.Errorf("record %d of %d: %w", i, b.NumRecords, err)
		}
		r, err := c.ledger.find(value)
		if err != nil {
			return nil, fmt.Errorf("record %d of %d: %w", i, b.NumRecords, err)
		}
		r.at = time.UnixMilli(b.FirstTimestamp + millis)
		latest = max(latest, b.FirstTimestamp+millis)
		records = append(records, r)
		src = src[n+int(length):]
	}
	switch {
	case len(src) > 0:
		return nil, fmt.Errorf("%d bytes after the %d records of a batch", len(src), b.NumRecords)
	case latest != b.MaxTimestamp:
		return nil, fmt.Errorf("a batch whose latest record is of %d says %d", latest, b.MaxTimestamp)
	}
	return records, nil
}

// readRecord reads all of a record after its length.
func readRecord(number int32, src []byte) (millis int64, value []byte, err error) {
	r := kbin.Reader{Src: src}
	attributes := r.Int8()
	millis = r.Varlong()
	delta := r.Varint()
	_ = r.VarintBytes() // the key
	value = r.VarintBytes()
	for n := r.Varint(); n > 0 && r.Ok(); n-- {
		_, _ = r.VarintString(), r.VarintBytes()
	}
	switch err := r.Complete(); {
	case err != nil:
		return 0, nil, err
	case len(r.Src) > 0:
		return 0, nil, fmt.Errorf("%d bytes too many", len(r.Src))
	case attributes != 0 || delta != number:
		return 0, nil, fmt.Errorf("attributes %d, offset %d", attributes, delta)
	}
	return millis, value, nil
}

// recordID reads a record's number.
func recordID(value []byte) (id int, ok bool) {
	_, rest, _ := bytes.Cut(value[:min(len(value), idWithin)], []byte(marker))
	digits := 0
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		digits++
	}
	id, err := strconv.Atoi(string(rest[:digits]))
	return id, err == nil
}
