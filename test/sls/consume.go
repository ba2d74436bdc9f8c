package sls

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The consumer side, as SLS documents it (aliyun-sls/sls-doc, oscompatibledemo): the topic is the logstore, whatever
// topic a record was written to; a log whose only field is content comes with the key "content" and its text as value,
// others without a key and as JSON; the timestamp is __time__, in whole seconds. Groups are the broker's own affair; Fetch
// and ListOffsets are answered here, because the broker behind keeps no records.

const (
	minFetchVersion, maxFetchVersion             = 4, 10 // with record batches, to Kafka 2.1's
	minListOffsetsVersion, maxListOffsetsVersion = 1, 4
)

// ofConsumers are the requests of consumers that the broker answers.
var ofConsumers = []kmsg.Key{kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.SyncGroup}

// mayConsume reports whether the connection may read.
func (c *conn) mayConsume() bool { return c.authorised() && !c.e.options.Behaviour.NoConsumer }

// denyConsumer refuses a request of a consumer that may not read: its group with GROUP_AUTHORIZATION_FAILED where it
// looks for the coordinator, which comes first, and any other with the end of the connection.
func (c *conn) denyConsumer(r *request) error {
	if kmsg.Key(r.key) != kmsg.FindCoordinator || r.version > 2 {
		return fmt.Errorf("%s without the right to read", kmsg.NameForKey(r.key))
	}
	resp := &kmsg.FindCoordinatorResponse{Version: r.version, NodeID: -1, Port: -1, ErrorCode: kerr.GroupAuthorizationFailed.Code}
	c.reply(r, resp)
	return nil
}

// receiveListOffsets answers the first offset of a shard, the next one, or the first from a time on.
func (c *conn) receiveListOffsets(r *request, body []byte) error {
	if r.version < minListOffsetsVersion || r.version > maxListOffsetsVersion {
		return fmt.Errorf("ListOffsets version %d is not supported", r.version)
	}
	req := &kmsg.ListOffsetsRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("ListOffsets: %w", err)
	}
	resp := &kmsg.ListOffsetsResponse{Version: r.version}
	for _, t := range req.Topics {
		topic := kmsg.ListOffsetsResponseTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			answer := kmsg.NewListOffsetsResponseTopicPartition()
			answer.Partition, answer.Offset, answer.Timestamp = p.Partition, -1, -1
			first, next, fault := c.offsets(t.Topic, p.Partition)
			switch {
			case fault != nil:
				answer.ErrorCode = fault.Code
			case p.Timestamp == -1: // Kafka's number for the end
				answer.Offset = next
			case p.Timestamp == -2: // and for the beginning
				answer.Offset = first
			default:
				answer.Offset, answer.Timestamp = c.firstFrom(t.Topic, p.Partition, p.Timestamp)
			}
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	c.reply(r, resp)
	return nil
}

// readable is the logstore that a consumer means with a topic.
func (c *conn) readable(topic string, shard int32) (*logstore, *kerr.Error) {
	if !c.mayConsume() {
		return nil, kerr.TopicAuthorizationFailed
	}
	s, ok := c.e.logstore(topic) // not the .json topic, which is for writing
	if !ok || shard < 0 || int(shard) >= s.shards() {
		return nil, kerr.UnknownTopicOrPartition
	}
	return s, nil
}

func (s *logstore) shards() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.next)
}

func (c *conn) offsets(topic string, shard int32) (first, next int64, fault *kerr.Error) {
	s, fault := c.readable(topic, shard)
	if fault != nil {
		return 0, 0, fault
	}
	first, next, _ = s.batchesOf(shard)
	return first, next, nil
}

// batchesOf are the batches of a shard that are still there, and the offsets from the first of them to the next to come.
func (s *logstore) batchesOf(shard int32) (first, next int64, batches []landedBatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = s.next[shard]
	first = next
	for _, b := range s.batches {
		if b.shard == shard {
			first = min(first, b.first)
			batches = append(batches, b)
		}
	}
	return first, next, batches
}

func (c *conn) firstFrom(topic string, shard int32, millis int64) (offset, timestamp int64) {
	s, fault := c.readable(topic, shard)
	if fault != nil {
		return -1, -1
	}
	_, _, batches := s.batchesOf(shard)
	for i := range batches {
		for _, l := range batches[i].appendLogs(nil, c.e, s.name) {
			if at := l.Time.Unix() * 1000; at >= millis {
				return l.Offset, at
			}
		}
	}
	return -1, -1
}

// receiveFetch answers Fetch once there is something, or when the client has waited as long as it wants to.
func (c *conn) receiveFetch(r *request, body []byte) error {
	if r.version < minFetchVersion || r.version > maxFetchVersion {
		return fmt.Errorf("Fetch version %d is not supported", r.version)
	}
	req := &kmsg.FetchRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("Fetch: %w", err)
	}
	end := time.NewTimer(time.Duration(req.MaxWaitMillis) * time.Millisecond)
	defer end.Stop()
	for {
		changed := c.changes(req) // asked for before the look, so that nothing lands in between unseen
		resp, something := c.fetch(req)
		if something {
			c.reply(r, resp)
			return nil
		}
		select {
		case <-changed:
		case <-end.C:
			c.reply(r, resp)
			return nil
		case <-c.done:
			return errClosed
		}
	}
}

// changes is closed when something lands in the only logstore of a request; of several it is a short time.
func (c *conn) changes(req *kmsg.FetchRequest) <-chan struct{} {
	if len(req.Topics) == 1 {
		if s, ok := c.e.logstore(req.Topics[0].Topic); ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.changed
		}
	}
	soon := make(chan struct{})
	time.AfterFunc(20*time.Millisecond, func() { close(soon) })
	return soon
}

func (c *conn) fetch(req *kmsg.FetchRequest) (resp *kmsg.FetchResponse, something bool) {
	resp = &kmsg.FetchResponse{Version: req.Version}
	for _, t := range req.Topics {
		topic := kmsg.FetchResponseTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			answer := kmsg.NewFetchResponseTopicPartition()
			answer.Partition = p.Partition
			c.fetchShard(&answer, t.Topic, p)
			something = something || answer.ErrorCode != 0 || len(answer.RecordBatches) > 0
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, something
}

func (c *conn) fetchShard(answer *kmsg.FetchResponseTopicPartition, topic string, p kmsg.FetchRequestTopicPartition) {
	answer.HighWatermark, answer.LastStableOffset, answer.LogStartOffset = -1, -1, -1
	answer.RecordBatches = []byte{} // librdkafka does not take null
	s, fault := c.readable(topic, p.Partition)
	if fault != nil {
		answer.ErrorCode = fault.Code
		return
	}
	first, next, batches := s.batchesOf(p.Partition)
	answer.HighWatermark, answer.LastStableOffset, answer.LogStartOffset = next, next, first
	if p.FetchOffset < first || p.FetchOffset > next {
		answer.ErrorCode = kerr.OffsetOutOfRange.Code
		return
	}
	for i := range batches {
		b := &batches[i]
		if b.first+int64(b.count) <= p.FetchOffset {
			continue
		}
		if len(answer.RecordBatches) > 0 && len(answer.RecordBatches) > int(p.PartitionMaxBytes)/2 {
			break
		}
		for chunk := range slices.Chunk(b.appendLogs(nil, c.e, s.name), 1000) {
			answer.RecordBatches = append(answer.RecordBatches, consumerBatch(chunk)...)
		}
	}
}

// consumed is a log as a consumer gets it.
func (l Log) consumed() (key, value []byte) {
	fields := l.Fields()
	if len(fields) == 1 && fields[0].Key == contentField {
		return []byte(contentField), []byte(fields[0].Value)
	}
	return nil, AppendFields(nil, fields)
}

// consumerBatch encodes logs of consecutive offsets as a record batch (Kafka protocol, "Record Batch").
func consumerBatch(logs []Log) []byte {
	millis := func(l Log) int64 { return l.Time.Unix() * 1000 }
	base, latest := millis(logs[0]), millis(logs[0])
	var records []byte
	for i, l := range logs {
		latest = max(latest, millis(l))
		key, value := l.consumed()
		body := []byte{0} // attributes
		body = kbin.AppendVarlong(body, millis(l)-base)
		body = kbin.AppendVarint(body, int32(i))
		body = kbin.AppendVarintBytes(body, key)
		body = kbin.AppendVarintBytes(body, value)
		body = kbin.AppendVarint(body, 0) // headers
		records = append(kbin.AppendVarint(records, int32(len(body))), body...)
	}
	b := kmsg.RecordBatch{
		FirstOffset: logs[0].Offset, PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(logs) - 1),
		FirstTimestamp: base, MaxTimestamp: latest, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(len(logs)), Records: records,
	}
	raw := b.AppendTo(nil)
	const lengthAt, lengthEnd, crcEnd = 8, 12, 21
	binary.BigEndian.PutUint32(raw[lengthAt:], uint32(len(raw)-lengthEnd))
	binary.BigEndian.PutUint32(raw[crcOffset:], crc32.Checksum(raw[crcEnd:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
