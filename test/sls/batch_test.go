package sls

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// encodeBatch makes an uncompressed record batch of the values.
func encodeBatch(values ...string) []byte {
	var records []byte
	for i, v := range values {
		r := kmsg.Record{OffsetDelta: int32(i), Value: []byte(v)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		records = r.AppendTo(records)
	}
	batch := kmsg.RecordBatch{
		Magic: 2, LastOffsetDelta: int32(len(values) - 1), ProducerID: -1, ProducerEpoch: -1,
		NumRecords: int32(len(values)), Length: int32(batchHeaderBytes - 12 + len(records)), Records: records,
	}
	raw := batch.AppendTo(nil)
	seal(raw)
	return raw
}

// seal makes a batch's checksum right.
func seal(raw []byte) {
	sum := crc32.Checksum(raw[crcOffset+4:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(raw[crcOffset:], sum)
}

// damage leaves a batch that its header and checksum do not give away: its first record is longer than the batch.
func damage(raw []byte) {
	raw[batchHeaderBytes] = 0x7e // 63 as a varint
	seal(raw)
}

// produceRequest sends a batch to each of demo's partitions in turn.
func produceRequest(t *testing.T, partitions ...[]string) *kmsg.ProduceRequest {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = 1, 10_000
	topic := kmsg.ProduceRequestTopic{Topic: "demo"}
	for i, values := range partitions {
		topic.Partitions = append(topic.Partitions, kmsg.ProduceRequestTopicPartition{Partition: int32(i), Records: encodeBatch(values...)})
	}
	req.Topics = append(req.Topics, topic)
	return req
}

func TestCheckBatch(t *testing.T) {
	d := kgo.DefaultDecompressor()
	good := encodeBatch("one", "two", "three")
	if _, _, err := checkBatch(d, good); err != nil {
		t.Fatalf("a good batch: %v", err)
	}
	if got := recordCount(good); got != 3 {
		t.Errorf("%d records, want 3", got)
	}
	for name, change := range map[string]func(raw []byte) []byte{
		"cut in the header": func(raw []byte) []byte { return raw[:batchHeaderBytes-1] },
		"cut in a record":   func(raw []byte) []byte { return raw[:len(raw)-1] },
		"empty":             func([]byte) []byte { return nil },
		"too few records":   func(raw []byte) []byte { raw[60] = 2; return raw },
		"too many records":  func(raw []byte) []byte { raw[60] = 4; return raw },
		"no number of records": func(raw []byte) []byte {
			binary.BigEndian.PutUint32(raw[57:], 1<<31)
			return raw
		},
		"record too long":      func(raw []byte) []byte { raw[batchHeaderBytes] = 0x7e; return raw },
		"record of no length":  func(raw []byte) []byte { raw[batchHeaderBytes] = 0x01; return raw },
		"not what it is named": func(raw []byte) []byte { raw[22] |= 1; return raw }, // gzip
	} {
		if _, _, err := checkBatch(d, change(encodeBatch("one", "two", "three"))); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func FuzzCheckBatch(f *testing.F) {
	f.Add(encodeBatch("one", "two"))
	f.Add(encodeBatch())
	e := &Endpoint{decompressor: kgo.DefaultDecompressor()}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, _, err := checkBatch(e.decompressor, raw); err != nil {
			return
		}
		b := landedBatch{raw: raw, count: recordCount(raw), json: true}
		logs := b.appendLogs(nil, e, "demo")
		if len(logs) != max(b.count, 0) {
			t.Errorf("%d logs of %d records", len(logs), b.count)
		}
		for _, l := range logs {
			l.Fields()
		}
	})
}
