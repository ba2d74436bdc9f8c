package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// header is a header of a record.
type header struct{ key, value string }

// record is one record to write.
type record struct {
	key, value []byte
	headers    []header
	at         time.Time
}

// batch is a record batch for one shard.
type batch struct {
	json    bool // to the topic that asks for JSON to be expanded
	shard   int32
	records []record
}

// codecs are those of Kafka, by name.
func codecNamed(name string) kgo.CompressionCodec {
	switch name {
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	return kgo.NoCompression()
}

// encode makes a record batch of format 2.
// Source: Kafka protocol, "Record Batch".
func encode(records []record, codec string) ([]byte, error) {
	compressor, err := kgo.DefaultCompressor(codecNamed(codec))
	if err != nil {
		return nil, fmt.Errorf("codec %s: %w", codec, err)
	}
	first, latest := records[0].at.UnixMilli(), records[0].at.UnixMilli()
	var plain []byte
	for i, r := range records {
		latest = max(latest, r.at.UnixMilli())
		body := append(make([]byte, 0, len(r.key)+len(r.value)+64), 0) // attributes
		body = kbin.AppendVarlong(body, r.at.UnixMilli()-first)
		body = kbin.AppendVarint(body, int32(i))
		body = kbin.AppendVarintBytes(body, r.key)
		body = kbin.AppendVarintBytes(body, r.value)
		body = kbin.AppendVarint(body, int32(len(r.headers)))
		for _, h := range r.headers {
			body = kbin.AppendVarintString(body, h.key)
			body = kbin.AppendVarintBytes(body, []byte(h.value))
		}
		plain = append(kbin.AppendVarint(plain, int32(len(body))), body...)
	}
	packed, kind := plain, kgo.CodecNone
	if compressor != nil {
		packed, kind = compressor.Compress(new(bytes.Buffer), plain)
	}
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(kind), LastOffsetDelta: int32(len(records) - 1),
		FirstTimestamp: first, MaxTimestamp: latest, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(len(records)), Records: packed,
	}
	raw := b.AppendTo(nil)
	const lengthAt, lengthEnd, crcAt, crcEnd = 8, 12, 17, 21
	binary.BigEndian.PutUint32(raw[lengthAt:], uint32(len(raw)-lengthEnd))
	binary.BigEndian.PutUint32(raw[crcAt:], crc32.Checksum(raw[crcEnd:], crc32.MakeTable(crc32.Castagnoli)))
	return raw, nil
}

// write is a produce request.
type write struct {
	batches []batch
	codec   string
	acks    int16
	version int16 // 0: the newest that both sides know
}

// written is the answer to a write: the error of each batch, and the wait that it asks for.
type written struct {
	errs     []error
	throttle time.Duration
}

// first is the first error of a write.
func (w written) first() error {
	for _, err := range w.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// maxThrottled is how often a write that is over a quota is repeated after a second: quotas have a question of their own.
const maxThrottled = 10

// produce writes. What is refused for a quota is repeated, unless the write before was refused for it to the end.
func (p *prober) produce(w write) (written, error) {
	for attempt := 0; ; attempt++ {
		got, err := p.produceOnce(w)
		if err != nil {
			return got, err
		}
		throttled := got.first() == error(kerr.ThrottlingQuotaExceeded)
		if !throttled || attempt == maxThrottled || *p.overQuota {
			*p.overQuota = throttled
			return got, nil
		}
		if err := p.sleep(time.Second + 100*time.Millisecond); err != nil {
			return got, err
		}
	}
}

func (p *prober) produceOnce(w write) (written, error) {
	req, err := p.produceRequest(w)
	if err != nil {
		return written{}, err
	}
	s, err := p.writer(p.leader(w.batches[0].json, w.batches[0].shard))
	if err != nil {
		return written{}, err
	}
	resp, err := s.request(req)
	if err != nil {
		p.dropWriters()
		return written{}, err
	}
	answer := resp.(*kmsg.ProduceResponse)
	got := written{throttle: time.Duration(answer.ThrottleMillis) * time.Millisecond}
	for _, t := range answer.Topics {
		for _, partition := range t.Partitions {
			got.errs = append(got.errs, kerr.ErrorForCode(partition.ErrorCode))
		}
	}
	if len(got.errs) != len(w.batches) {
		return got, errNonsense
	}
	return got, nil
}

// idVersion is the version of Produce from which topics are named by their ids.
const idVersion = 13

func (p *prober) produceRequest(w write) (*kmsg.ProduceRequest, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = w.acks, int32(p.t.Config.RequestTimeout.Milliseconds())
	if req.Version = w.version; w.version == 0 {
		req.Version = p.newest(kmsg.Produce, req.MaxVersion())
	}
	for _, json := range []bool{false, true} {
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic = p.topic(json)
		topic.TopicID = p.ids[topic.Topic]
		for _, b := range w.batches {
			if b.json != json {
				continue
			}
			raw, err := encode(b.records, w.codec)
			if err != nil {
				return nil, err
			}
			partition := kmsg.NewProduceRequestTopicPartition()
			partition.Partition, partition.Records = b.shard, raw
			topic.Partitions = append(topic.Partitions, partition)
		}
		if len(topic.Partitions) > 0 {
			req.Topics = append(req.Topics, topic)
		}
	}
	return req, nil
}
