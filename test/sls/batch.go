package sls

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// jsonHeader and jsonHeaderValue make SLS expand a record's JSON although the topic has no .json ending (older editions
// of Alibaba's page on Kafka upload).
const (
	jsonHeader      = "data-parse-format"
	jsonHeaderValue = "json"
)

// batchHeaderBytes is the size of a version 2 record batch up to its records, crcOffset where its checksum stands
// (Kafka protocol, "Record Batch").
const (
	batchHeaderBytes = 61
	crcOffset        = 17
)

// recordCount reads how many records a batch says it has.
func recordCount(raw []byte) int {
	if len(raw) < batchHeaderBytes {
		return 0
	}
	return int(int32(binary.BigEndian.Uint32(raw[57:])))
}

// eachRecord calls fn for each record of a batch and says where the batch is damaged. The record's bytes belong to
// the batch (or its decompressed form) and may be kept.
func eachRecord(d kgo.Decompressor, raw []byte, fn func(batch *kmsg.RecordBatch, r *kmsg.Record)) error {
	var batch kmsg.RecordBatch
	if err := batch.ReadFrom(raw); err != nil {
		return fmt.Errorf("record batch: %w", err)
	}
	src, err := d.Decompress(batch.Records, kgo.CompressionCodecType(batch.Attributes&0x7))
	if err != nil {
		return fmt.Errorf("record batch: %w", err)
	}
	for i := range batch.NumRecords {
		length, n := binary.Varint(src)
		if n <= 0 || length < 0 || length > int64(len(src)-n) {
			return fmt.Errorf("record %d of %d: its length does not fit its batch", i, batch.NumRecords)
		}
		end := n + int(length)
		var r kmsg.Record
		if err := r.ReadFrom(src[:end]); err != nil {
			return fmt.Errorf("record %d of %d: %w", i, batch.NumRecords, err)
		}
		fn(&batch, &r)
		src = src[end:]
	}
	if len(src) > 0 {
		return errors.New("record batch: more records than its header says")
	}
	return nil
}

// checkBatch reports whether every record of a batch can be read, and the earliest and latest of their timestamps in
// milliseconds. A broker refuses a batch that cannot with CORRUPT_MESSAGE; kfake looks at the batch header alone.
func checkBatch(d kgo.Decompressor, raw []byte) (from, to int64, err error) {
	from, to = math.MaxInt64, math.MinInt64
	err = eachRecord(d, raw, func(batch *kmsg.RecordBatch, r *kmsg.Record) {
		at := batch.FirstTimestamp + r.TimestampDelta64
		from, to = min(from, at), max(to, at)
	})
	return from, to, err
}

// spoilChecksum makes the broker behind refuse this batch, and this one alone, with CORRUPT_MESSAGE.
func spoilChecksum(raw []byte) {
	if len(raw) > crcOffset {
		raw[crcOffset] ^= 0xff
	}
}

// appendLogs decodes a batch that passed checkBatch; first is the offset of its first log in the shard.
func (b *landedBatch) appendLogs(logs []Log, e *Endpoint, logstore string) []Log {
	offset, number := b.first, -1
	err := eachRecord(e.decompressor, b.raw, func(batch *kmsg.RecordBatch, r *kmsg.Record) {
		if number++; slices.Contains(b.dropped, number) {
			return
		}
		logs = append(logs, Log{
			Logstore: logstore,
			Shard:    b.shard,
			Offset:   offset,
			Time:     time.UnixMilli(batch.FirstTimestamp + r.TimestampDelta64).UTC(),
			Key:      r.Key,
			Value:    r.Value,
			json:     b.json || e.options.Behaviour.wantsJSON(r.Headers),
			as:       &e.options.Behaviour,
		})
		offset++
	})
	if err != nil {
		panic("a batch was acknowledged that cannot be read: " + err.Error()) // checkBatch let it through
	}
	return logs
}

func wantsJSON(headers []kmsg.Header) bool {
	for i := range headers {
		if headers[i].Key == jsonHeader && bytes.EqualFold(headers[i].Value, []byte(jsonHeaderValue)) {
			return true
		}
	}
	return false
}
