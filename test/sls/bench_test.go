package sls

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkProduce is what the endpoint costs a record of 200 bytes, with the client's TLS but not its encoding: the
// same ready batch of 4,500 records is sent again and again.
func BenchmarkProduce(b *testing.B) {
	for name, options := range map[string]Options{
		"discard": {DiscardLogs: true},
		"keep":    {},
		"onlog":   {DiscardLogs: true, OnLog: func(l Log) { _ = l.Fields() }},
	} {
		b.Run(name, func(b *testing.B) {
			e := start(b, options)
			client := dial(b, e, rightUser, rightPassword)
			var values []string
			for i := range 4500 {
				values = append(values, fmt.Sprintf(`{"seq":"%06d","log":"%s"}`, i, strings.Repeat("x", 175)))
			}
			req := kmsg.NewPtrProduceRequest()
			req.Acks = 1
			req.Topics = []kmsg.ProduceRequestTopic{{Topic: "demo.json",
				Partitions: []kmsg.ProduceRequestTopicPartition{{Records: encodeBatch(values...)}}}}
			broker := client.Broker(0)
			n := 0
			for b.Loop() {
				resp, err := broker.Request(timeout(b), req)
				if err != nil {
					b.Fatal(err)
				}
				if code := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
					b.Fatalf("error %d", code)
				}
				n += len(values)
			}
			wantCount(b, e, "demo", n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
		})
	}
}

// BenchmarkClient is a whole franz-go producer with gzip against the endpoint, and the decoding of what it kept.
func BenchmarkClient(b *testing.B) {
	e := start(b, Options{})
	client := dial(b, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(900_000, false, false, nil)))
	value := []byte(fmt.Sprintf(`{"log":"%s"}`, strings.Repeat("GET /index.html 200 ", 10)))
	n := 0
	for b.Loop() {
		client.Produce(b.Context(), &kgo.Record{Topic: "demo.json", Value: value}, nil)
		n++
	}
	if err := client.Flush(timeout(b)); err != nil {
		b.Fatal(err)
	}
	wantCount(b, e, "demo", n)
	for _, l := range e.Logs("demo") {
		if len(l.Fields()) != 1 {
			b.Fatal("a log without its field")
		}
	}
}
