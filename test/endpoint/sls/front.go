package sls

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of Produce that this broker serves: from 3, the first with record batches, to Kafka 2.1's. Other
// versions pass to the broker, which refuses them.
const (
	minProduceVersion = 3
	maxProduceVersion = 7
	// maxMetadataVersion and maxApiVersionsVersion are Kafka 2.1's.
	maxMetadataVersion    = 7
	maxAPIVersionsVersion = 2
	// logStartVersion is the first version of Produce whose answer tells where the log begins.
	logStartVersion = 5
)

// sentBatch is a batch of a produce request.
type sentBatch struct {
	topic     string
	partition int32
	raw       []byte
}

// receive looks at a request. It returns the bytes for the broker, none where the front has answered, or an error
// where the connection must end.
func (c *conn) receive(frame []byte) ([]byte, error) {
	if c.sasl == saslToken {
		return nil, c.receiveToken(frame)
	}
	r, body, err := parseHeader(frame[4:])
	if err != nil {
		return nil, err
	}
	switch key := kmsg.Key(r.key); {
	case key == kmsg.SASLHandshake:
		return nil, c.receiveHandshake(r, body)
	case key == kmsg.SASLAuthenticate:
		return nil, c.receiveAuthenticate(r, body)
	case key == kmsg.ApiVersions:
	case c.sasl != saslDone:
		return nil, fmt.Errorf("%s before SASL authentication", kmsg.NameForKey(r.key))
	case !c.authorised() && c.e.refuseSASL.Load():
		return nil, errRefused
	case key == kmsg.Produce:
		return c.receiveProduce(r, frame, body)
	case key == kmsg.Metadata:
		if err := c.receiveMetadata(r, body); err != nil {
			return nil, err
		}
	}
	c.ask(r)
	return frame, nil
}

// parseHeader reads a request's header (version 1: no client sends requests of Kafka 2.1 with the flexible one, whose
// tags only ApiVersions 3 and later have, and those the broker turns down by version).
func parseHeader(b []byte) (*request, []byte, error) {
	reader := kbin.Reader{Src: b}
	r := &request{key: reader.Int16(), version: reader.Int16(), correlation: reader.Int32()}
	reader.NullableString() // client id
	if !reader.Ok() {
		return nil, nil, errors.New("request without a header")
	}
	if kmsg.RequestForKey(r.key) == nil {
		return nil, nil, fmt.Errorf("unknown request %d", r.key)
	}
	return r, reader.Src, nil
}

// receiveProduce notes the batches of a produce request, so that they can be taken into their logstores when the broker
// has appended them.
func (c *conn) receiveProduce(r *request, frame, body []byte) ([]byte, error) {
	c.e.produceRequests.Add(1)
	if r.version < minProduceVersion || r.version > maxProduceVersion {
		c.ask(r)
		return frame, nil
	}
	req := &kmsg.ProduceRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("Produce: %w", err)
	}
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
	check := !c.e.options.DiscardLogs || c.e.options.OnLog != nil
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if check && checkBatch(c.e.decompressor, p.Records) != nil {
				spoilChecksum(p.Records)
			}
			r.batches = append(r.batches, sentBatch{topic: t.Topic, partition: p.Partition, raw: p.Records})
		}
	}
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

// land takes into the logstores what the broker's answer says it appended, and calls OnLog.
func (e *Endpoint) land(r *request, answer []byte) error {
	if len(r.batches) == 0 {
		return nil
	}
	resp := &kmsg.ProduceResponse{Version: r.version}
	if err := resp.ReadFrom(answer); err != nil {
		return fmt.Errorf("the broker's answer to Produce: %w", err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			i := slices.IndexFunc(r.batches, func(b sentBatch) bool { return b.topic == t.Topic && b.partition == p.Partition })
			if i >= 0 && appended(r.version, &p) {
				e.landBatch(&r.batches[i])
			}
		}
	}
	return nil
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
	b := landedBatch{shard: sent.partition, count: recordCount(sent.raw), json: json}
	if !e.options.DiscardLogs {
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
	for _, l := range b.appendLogs(nil, e.decompressor, s.name) {
		e.options.OnLog(l)
	}
}

func (c *conn) receiveMetadata(r *request, body []byte) error {
	if r.version > maxMetadataVersion {
		return nil // the broker refuses it
	}
	req := &kmsg.MetadataRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("Metadata: %w", err)
	}
	r.denied = !c.authorised()
	r.allTopics = req.Topics == nil || r.version == 0 && len(req.Topics) == 0
	return nil
}

// reviseMetadata refuses the topics to wrong credentials, and where the endpoint listens on all interfaces refers the
// client to the address it came by.
func (c *conn) reviseMetadata(r *request, frame []byte) ([]byte, error) {
	resp := &kmsg.MetadataResponse{Version: r.version}
	if err := resp.ReadFrom(frame[8:]); err != nil {
		return nil, fmt.Errorf("the broker's answer to Metadata: %w", err)
	}
	for i := range resp.Brokers {
		b := &resp.Brokers[i]
		if ip := net.ParseIP(b.Host); ip != nil && ip.IsUnspecified() {
			host, _, err := net.SplitHostPort(c.LocalAddr().String())
			if err != nil {
				return nil, fmt.Errorf("local address: %w", err)
			}
			b.Host = host
		}
	}
	if r.denied && r.allTopics {
		resp.Topics = nil
	}
	for i := range resp.Topics {
		if t := &resp.Topics[i]; r.denied {
			t.ErrorCode = kerr.TopicAuthorizationFailed.Code
			t.Partitions = nil
		}
	}
	return responseFrame(r, resp), nil
}

// advertiseHandshake lets clients know that the front serves SaslHandshake from version 0, which old ones ask for;
// the broker behind knows version 1 alone.
func advertiseHandshake(r *request, frame []byte) ([]byte, error) {
	if r.version > maxAPIVersionsVersion {
		return slices.Clone(frame), nil // the broker answered that it does not know this version
	}
	resp := &kmsg.ApiVersionsResponse{Version: r.version}
	if err := resp.ReadFrom(frame[8:]); err != nil {
		return nil, fmt.Errorf("the broker's answer to ApiVersions: %w", err)
	}
	for i := range resp.ApiKeys {
		if k := &resp.ApiKeys[i]; kmsg.Key(k.ApiKey) == kmsg.SASLHandshake {
			k.MinVersion = 0
		}
	}
	return responseFrame(r, resp), nil
}
