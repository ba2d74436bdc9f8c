package plugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/produce"
	"out_sls_kafka/test/hostile"
)

// An answer about as many topics as one request asks for fits, also where all of them have
// as many shards as there may be.
func TestMetadataOfOneRequestFits(t *testing.T) {
	t.Parallel()
	answer := &kmsg.MetadataResponse{Version: 7}
	for range topicsPerRequest {
		topic := kmsg.MetadataResponseTopic{Topic: kmsg.StringPtr(strings.Repeat("a", 63) + ".json")}
		for i := range int32(256) {
			topic.Partitions = append(topic.Partitions, kmsg.MetadataResponseTopicPartition{Partition: i, Leader: 1, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}})
		}
		answer.Topics = append(answer.Topics, topic)
	}
	for i := range int32(1000) {
		answer.Brokers = append(answer.Brokers, kmsg.MetadataResponseBroker{NodeID: i, Host: "my-project.cn-hangzhou-intranet.log.aliyuncs.com", Port: 10011})
	}
	if n := len(answer.AppendTo(nil)); n > connect.MaxAnswerBytes {
		t.Errorf("%d bytes, allowed are %d", n, connect.MaxAnswerBytes)
	}
}

// Many logstores are asked about in pieces, and all of them are found.
func TestMetadataInPieces(t *testing.T) {
	t.Parallel()
	b, o, _ := startHostile(t, hostile.Find("harmless"))
	eventually(t, "the check at the start", func() bool { return b.Requests(kmsg.Metadata) > 0 })
	before := b.Requests(kmsg.Metadata)
	var names []string
	for i := range 3*topicsPerRequest + 1 {
		names = append(names, fmt.Sprintf("logstore-%03d.json", 999-i))
	}
	answer, err := o.cluster.Metadata(t.Context(), append(names, names...)) // each once in the answer
	if err != nil {
		t.Fatal(err)
	}
	if n := b.Requests(kmsg.Metadata) - before; n != 4 || len(answer.Topics) != len(names) {
		t.Errorf("%d requests, %d topics of %d", n, len(answer.Topics), len(names))
	}
	for _, name := range names {
		if len(produce.FindTopic(answer, name).Partitions) != 1 {
			t.Errorf("%s is not found", name)
		}
	}
}

// A logstore with more shards than are used is logged, once for each and whoever asks:
// the first ones get the records.
func TestTooManyShards(t *testing.T) {
	t.Parallel()
	b, o, h := startHostile(t, hostile.Find("shards that fit"))
	if r := deliver(t, o, events(0, 10, "a line")); r != OK {
		t.Fatalf("result %v", r)
	}
	for range 3 {
		before := b.Requests(kmsg.Metadata)
		if _, err := o.cluster.Metadata(t.Context(), []string{o.defaultTopic}); err != nil || b.Requests(kmsg.Metadata) == before {
			t.Fatalf("asked again: %v", err)
		}
	}
	h.wait("logstore " + o.cfg.Logstore + " has 12001 shards: the first 2000 get its records, the others none")
	if n := h.count("shards: the first"); n != 1 {
		t.Errorf("%d lines:\n%s", n, h.text())
	}
}

// An answer that is larger than a producer needs is not read, whatever is in it: what the
// client makes room for is a hundred times as much.
func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	for mode, n := range map[string]int{"topics without bytes": connect.MaxAnswerBytes, "shards": 20_000, "topics not asked for": 20_000} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			m := hostile.Find(mode)
			m.N = n
			_, _, h := startHostile(t, m)
			h.wait(fmt.Sprintf("> limit %d", connect.MaxAnswerBytes), "retrying")
		})
	}
}
