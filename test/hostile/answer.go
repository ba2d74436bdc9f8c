package hostile

import (
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answer is what a broker says to a request, changed by the mode.
func (b *Broker) answer(r request) kmsg.Response {
	m := b.options.Mode
	switch r.key {
	case kmsg.ApiVersions:
		return b.apiVersions(r)
	case kmsg.SASLHandshake:
		answer := &kmsg.SASLHandshakeResponse{Version: r.version, SupportedMechanisms: []string{"PLAIN"}}
		if m.handshake != nil {
			m.handshake(b, answer)
		}
		return answer
	case kmsg.SASLAuthenticate:
		return b.authenticate(r)
	case kmsg.Metadata:
		return b.metadata(r)
	case kmsg.Produce:
		return b.produce(r)
	}
	return nil
}

func (b *Broker) apiVersions(r request) kmsg.Response {
	answer := &kmsg.ApiVersionsResponse{Version: min(r.version, 2)}
	if r.version > 2 {
		answer.Version, answer.ErrorCode = 0, kerr.UnsupportedVersion.Code
	}
	for _, k := range []struct {
		key      kmsg.Key
		min, max int16
	}{{kmsg.Produce, 3, 9}, {kmsg.Metadata, 1, 7}, {kmsg.SASLHandshake, 0, 1}, {kmsg.ApiVersions, 0, 2}, {kmsg.SASLAuthenticate, 0, 1}} {
		answer.ApiKeys = append(answer.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: k.key.Int16(), MinVersion: k.min, MaxVersion: k.max})
	}
	if m := b.options.Mode; m.versions != nil {
		m.versions(b, answer)
	}
	return answer
}

func (b *Broker) authenticate(r request) kmsg.Response {
	asked := &kmsg.SASLAuthenticateRequest{Version: r.version}
	if asked.ReadFrom(r.body) == nil {
		b.mu.Lock()
		b.passwords = append(b.passwords, string(asked.SASLAuthBytes))
		b.mu.Unlock()
	}
	answer := &kmsg.SASLAuthenticateResponse{Version: r.version, SASLAuthBytes: []byte{}}
	if m := b.options.Mode; m.authenticate != nil {
		m.authenticate(b, answer)
	}
	return answer
}

// metadata names this broker and one shard of each topic that was asked for.
func (b *Broker) metadata(r request) kmsg.Response {
	asked := &kmsg.MetadataRequest{Version: r.version}
	if asked.ReadFrom(r.body) != nil {
		return nil
	}
	host, port, _ := net.SplitHostPort(b.Addr())
	number, _ := strconv.Atoi(port)
	answer := &kmsg.MetadataResponse{Version: r.version, Brokers: []kmsg.MetadataResponseBroker{{NodeID: 1, Host: host, Port: int32(number)}}}
	for _, t := range asked.Topics {
		answer.Topics = append(answer.Topics, kmsg.MetadataResponseTopic{Topic: t.Topic, Partitions: []kmsg.MetadataResponseTopicPartition{shard(0, 1)}})
	}
	if m := b.options.Mode; m.metadata != nil {
		m.metadata(b, answer)
	}
	return answer
}

func shard(number, leader int32) kmsg.MetadataResponseTopicPartition {
	return kmsg.MetadataResponseTopicPartition{Partition: number, Leader: leader, Replicas: []int32{leader}, ISR: []int32{leader}}
}

// produce acknowledges everything.
func (b *Broker) produce(r request) kmsg.Response {
	asked := &kmsg.ProduceRequest{Version: r.version}
	if asked.ReadFrom(r.body) != nil {
		return nil
	}
	answer := &kmsg.ProduceResponse{Version: r.version}
	for _, t := range asked.Topics {
		topic := kmsg.ProduceResponseTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.ProduceResponseTopicPartition{Partition: p.Partition, LogAppendTime: -1})
		}
		answer.Topics = append(answer.Topics, topic)
	}
	if m := b.options.Mode; m.produce != nil {
		m.produce(b, answer)
	}
	return answer
}
