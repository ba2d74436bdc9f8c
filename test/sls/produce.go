package sls

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of Produce that this broker serves: from 3, the first with record batches, to Kafka 2.1's. Other
// versions pass to the broker, which refuses them.
const (
	minProduceVersion = 3
	maxProduceVersion = 7
	// logStartVersion is the first version of Produce whose answer tells where the log begins.
	logStartVersion = 5
)

// sentBatch is a batch of a produce request.
type sentBatch struct {
	topic     string
	partition int32
	raw       []byte
	refused   *kerr.Error // the front's, whatever the broker answers
	dropped   []int       // records that do not land, whatever the broker answers
}

// receiveProduce notes the batches of a produce request, so that they can be taken into their logstores when the broker
// has appended them.
func (c *conn) receiveProduce(r *request, frame, body []byte) ([]byte, error) {
	c.e.produceRequests.Add(1)
	behaviour := &c.e.options.Behaviour
	if slices.Contains(behaviour.UnservedProduceVersions, r.version) {
		return nil, fmt.Errorf("Produce version %d is not served", r.version)
	}
	if r.version < minProduceVersion || r.version > cmp.Or(behaviour.MaxProduceVersion, maxProduceVersion) {
		c.ask(r)
		return frame, nil
	}
	req := &kmsg.ProduceRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("Produce: %w", err)
	}
	r.acks = req.Acks
	if req.Acks == 0 {
		// The broker is asked for an answer all the same: it alone tells what was appended.
		r.unanswered = true
		acks := 2 // after the transactional id, a string with two length bytes
		if req.TransactionID != nil {
			acks += len(*req.TransactionID)
		}
		binary.BigEndian.PutUint16(body[acks:], 1)
	}
	if !c.authorised() {
		c.reply(r, denyProduce(req))
		return nil, nil
	}
	var topics []string
	for _, t := range req.Topics {
		topics = append(topics, t.Topic)
		for _, p := range t.Partitions {
			r.batches = append(r.batches, sentBatch{topic: t.Topic, partition: p.Partition, raw: p.Records})
		}
	}
	_, r.cut = c.e.faults.meet(ConnectionCutAfterWrite, topics)
	c.e.refuseBatches(r, topics)
	c.ask(r)
	return frame, nil
}

func denyProduce(req *kmsg.ProduceRequest) *kmsg.ProduceResponse {
	resp := &kmsg.ProduceResponse{Version: req.Version}
	for _, t := range req.Topics {
		denied := kmsg.ProduceResponseTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition = p.Partition
			partition.ErrorCode = kerr.TopicAuthorizationFailed.Code
			partition.BaseOffset = -1
			denied.Partitions = append(denied.Partitions, partition)
		}
		resp.Topics = append(resp.Topics, denied)
	}
	return resp
}

// refuseBatches sees to it that the broker does not append what the endpoint refuses: batches met by a fault, damaged,
// of a time out of range, or over their shard's quota.
func (e *Endpoint) refuseBatches(r *request, topics []string) {
	refusedTopics := e.faults.refuse(topics, func(refusal) bool { return true })
	for i := range r.batches {
		b := &r.batches[i]
		b.refused = refusedTopics[b.topic]
		if b.refused == nil {
			b.refused = e.options.Behaviour.judgeBatch(r, i)
		}
		damaged := false
		if b.refused == nil {
			b.refused, damaged = e.judge(r, b)
		}
		if b.refused != nil || damaged {
			spoilChecksum(b.raw)
		}
	}
}

// judge finds what is wrong with a batch. For a damaged one the broker has the error itself.
func (e *Endpoint) judge(r *request, b *sentBatch) (refused *kerr.Error, damaged bool) {
	o := &e.options
	if !o.DiscardLogs || o.OnLog != nil || o.CheckTime || o.Behaviour.looksAtRecords() {
		from, to, err := checkBatch(e.decompressor, b.raw)
		if err != nil {
			return nil, true
		}
		if o.CheckTime && !inTimeWindow(from, to, time.Now()) {
			return kerr.InvalidTimestamp, false
		}
		if o.Behaviour.looksAtRecords() {
			if refused, b.dropped, err = e.treatRecords(b, time.Now()); refused != nil || err != nil {
				return refused, err != nil
			}
		}
	}
	if slices.Contains(o.OverQuota, b.partition) {
		return kerr.ThrottlingQuotaExceeded, false
	}
	if o.Quota == (Quota{}) {
		return nil, false
	}
	// A refusal, as SLS refuses a write over quota (403 ShardWriteQuotaExceed), because nothing lands then and the client
	// must send again; Kafka's throttle time would only ask it to be slower.
	if s, _, ok := e.logstoreOf(b.topic); ok && !s.admit(b.partition, o.Quota, len(b.raw)) {
		if o.Behaviour.ThrottleTime > 0 {
			r.throttled = true
			return nil, false
		}
		return kerr.ThrottlingQuotaExceeded, false
	}
	return nil, false
}

// SLS takes logs of the last seven days and of the next 15 minutes (Alibaba, PutLogs: "The post data time is out of
// range").
const (
	oldestLog = 168 * time.Hour
	newestLog = 15 * time.Minute
)

// inTimeWindow reports whether SLS takes a batch whose timestamps, in milliseconds, lie between from and to.
func inTimeWindow(from, to int64, now time.Time) bool {
	return from >= now.Add(-oldestLog).UnixMilli() && to <= now.Add(newestLog).UnixMilli()
}

// settleProduce acts on the broker's answer to a produce request and returns the client's.
func (e *Endpoint) settleProduce(r *request, frame []byte) ([]byte, error) {
	if len(r.batches) == 0 {
		return slices.Clone(frame), nil
	}
	resp := &kmsg.ProduceResponse{Version: r.version}
	if err := resp.ReadFrom(frame[8:]); err != nil {
		return nil, fmt.Errorf("the broker's answer to Produce: %w", err)
	}
	refused := r.throttled
	if r.throttled {
		resp.ThrottleMillis = int32(e.options.Behaviour.ThrottleTime.Milliseconds())
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			n := slices.IndexFunc(r.batches, func(b sentBatch) bool { return b.topic == t.Topic && b.partition == p.Partition })
			if n < 0 {
				continue
			}
			switch b := &r.batches[n]; {
			case b.refused != nil:
				refused = true
				p.ErrorCode, p.BaseOffset = b.refused.Code, -1
			case p.ErrorCode == kerr.UnknownTopicOrPartition.Code && e.options.Behaviour.MissingLogstore != nil:
				refused = true
				p.ErrorCode = e.options.Behaviour.MissingLogstore.Code
			case appended(r.version, p):
				e.landBatch(b)
			}
		}
	}
	switch {
	case r.cut:
		return nil, errCut
	case refused:
		return responseFrame(r, resp), nil
	default:
		return slices.Clone(frame), nil
	}
}

// appended reports whether the broker appended a batch. Two errors may be answered to a batch that was: kfake then
// fills in the start of the log as with success, and leaves it at -1 otherwise. Answers older than that field leave
// only the error to go by.
func appended(version int16, p *kmsg.ProduceResponseTopicPartition) bool {
	if version < logStartVersion {
		return p.ErrorCode == 0
	}
	switch p.ErrorCode {
	case 0, kerr.RequestTimedOut.Code, kerr.NotEnoughReplicasAfterAppend.Code:
		return p.LogStartOffset >= 0
	default:
		return false
	}
}

func (e *Endpoint) landBatch(sent *sentBatch) {
	s, json, ok := e.logstoreOf(sent.topic)
	if !ok {
		return // deleted since the append
	}
	b := landedBatch{shard: sent.partition, count: recordCount(sent.raw) - len(sent.dropped), dropped: sent.dropped, json: json}
	switch {
	case e.options.DiscardLogs:
	case e.options.Keep > 0:
		b.raw = slices.Clone(sent.raw) // or it would keep its whole request in memory
	default:
		b.raw = sent.raw
	}
	if e.options.OnLog == nil {
		s.land(&b, !e.options.DiscardLogs)
		return
	}
	s.landing.Lock()
	defer s.landing.Unlock()
	s.land(&b, !e.options.DiscardLogs)
	b.raw = sent.raw
	for _, l := range b.appendLogs(nil, e, s.name) {
		e.options.OnLog(l)
	}
}
