package sls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/simnet"
)

func TestBothTopicsLandInOneLogstore(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	old := time.UnixMilli(1_218_000_000_123)
	send(t, client, &kgo.Record{Topic: "demo", Key: []byte("content"), Value: []byte(`{"a":1}`), Timestamp: old})
	send(t, client, &kgo.Record{Topic: "demo.json", Value: []byte(`{"a":1}`), Timestamp: old.AddDate(10, 0, 0)})
	send(t, client, &kgo.Record{Topic: "demo", Partition: 1, Value: []byte(`{"b":2}`),
		Headers: []kgo.RecordHeader{{Key: "other", Value: []byte("x")}, {Key: "data-parse-format", Value: []byte("json")}}})

	logs := e.Logs("demo")
	if len(logs) != 3 {
		t.Fatalf("%d logs, want 3", len(logs))
	}
	type seen struct {
		shard  int32
		offset int64
		fields string
	}
	want := []seen{{0, 0, `[{content {"a":1}}]`}, {0, 1, `[{a 1}]`}, {1, 0, `[{b 2}]`}}
	for i, l := range logs {
		if got := (seen{l.Shard, l.Offset, fmt.Sprint(l.Fields())}); got != want[i] || l.Logstore != "demo" {
			t.Errorf("log %d: %s %+v, want demo %+v", i, l.Logstore, got, want[i])
		}
	}
	if !logs[0].Time.Equal(old) || !logs[1].Time.Equal(old.AddDate(10, 0, 0)) {
		t.Errorf("times %v, %v: not those sent", logs[0].Time, logs[1].Time)
	}
	if string(logs[0].Key) != "content" || string(logs[0].Value) != `{"a":1}` || logs[1].Key != nil {
		t.Errorf("keys %q, %q, value %q: not those sent", logs[0].Key, logs[1].Key, logs[0].Value)
	}
}

func TestCompression(t *testing.T) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			e := start(t, Options{})
			client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(10*time.Millisecond))
			var records []*kgo.Record
			for i := range 500 {
				records = append(records, record("demo.json", fmt.Sprintf(`{"seq":%d,"text":"%s"}`, i, strings.Repeat("x", 50))))
			}
			send(t, client, records...)
			logs := e.Logs("demo")
			if len(logs) != len(records) {
				t.Fatalf("%d logs, want %d", len(logs), len(records))
			}
			for i, l := range logs {
				if string(l.Value) != string(records[i].Value) || l.Offset != int64(i) {
					t.Fatalf("log %d: offset %d, %s", i, l.Offset, l.Value)
				}
			}
		})
	}
}

// An endpoint and its client work in fake time where nothing between them is real.
func TestListenFunc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := simnet.New()
		e := start(t, Options{Nodes: 2, ListenFunc: network.Listen})
		client := dial(t, e, rightUser, rightPassword, kgo.Dialer(func(ctx context.Context, name, address string) (net.Conn, error) {
			conn, err := network.Dial(ctx, name, address)
			if err != nil {
				return nil, err
			}
			settings := trust(t, e)
			settings.ServerName = "127.0.0.1"
			return tls.Client(conn, settings), nil
		}))
		e.DelayAcks(5 * time.Second)
		begin := time.Now()
		send(t, client, record("demo", "x"), &kgo.Record{Topic: "demo", Partition: 1, Value: []byte("y")})
		if took := time.Since(begin); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("acknowledged after %v, want 5s", took)
		}
		wantCount(t, e, "demo", 2)
	})
	wanted := errors.New("nothing may listen")
	if _, err := Start(Options{ListenFunc: func(string, string) (net.Listener, error) { return nil, wanted }}); !errors.Is(err, wanted) {
		t.Errorf("error %v, want %v", err, wanted)
	}
}

func TestUnknownLogstore(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	for _, topic := range []string{"absent", "absent.json", "demo.json.json", "demo.0"} {
		wantError(t, topic, topicError(t, client, topic), kerr.UnknownTopicOrPartition)
		err := client.ProduceSync(timeout(t), record(topic, "x")).FirstErr()
		wantError(t, "produce to "+topic, err, kerr.UnknownTopicOrPartition)
	}
	if err := e.WaitCount(timeout(t), "absent", 1); err == nil {
		t.Error("WaitCount for an absent logstore returned no error")
	}
}

func TestCreateAndDeleteLogstore(t *testing.T) {
	e := start(t, Options{Shards: 3})
	client := dial(t, e, rightUser, rightPassword)
	if err := e.CreateLogstore("later"); err != nil {
		t.Fatal(err)
	}
	if e.CreateLogstore("later") == nil || e.CreateLogstore("a.json") == nil {
		t.Error("an existing logstore, or one with a forbidden name, was created")
	}
	send(t, client, &kgo.Record{Topic: "later.json", Partition: 2, Value: []byte(`{}`)})
	wantCount(t, e, "later", 1)

	waited := make(chan error, 1)
	go func() { waited <- e.WaitCount(context.Background(), "later", 2) }()
	if err := e.DeleteLogstore("later"); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err == nil {
		t.Error("WaitCount returned no error although its logstore was deleted")
	}
	wantError(t, "deleted logstore", topicError(t, client, "later"), kerr.UnknownTopicOrPartition)
	wantCount(t, e, "later", 0)
	if e.DeleteLogstore("later") == nil {
		t.Error("a logstore was deleted twice")
	}
}

func TestProtocolRange(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(timeout(t), client)
	if err != nil {
		t.Fatal(err)
	}
	ranges := make(map[kmsg.Key][2]int16)
	for _, k := range resp.ApiKeys {
		ranges[kmsg.Key(k.ApiKey)] = [2]int16{k.MinVersion, k.MaxVersion}
	}
	if _, ok := ranges[kmsg.InitProducerID]; ok {
		t.Error("InitProducerID is advertised")
	}
	want := map[kmsg.Key][2]int16{
		kmsg.Produce: {3, 7}, kmsg.Metadata: {0, 7}, kmsg.ApiVersions: {0, 2}, kmsg.SASLHandshake: {0, 1}, kmsg.SASLAuthenticate: {0, 0},
	}
	for key, r := range want {
		if ranges[key] != r {
			t.Errorf("%s: versions %v, want %v", key.Name(), ranges[key], r)
		}
	}
	if _, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(timeout(t), client); err == nil {
		t.Error("InitProducerID was served")
	}
}

func TestFaultedRecordsAreNotCounted(t *testing.T) {
	for _, fault := range []*kerr.Error{kerr.KafkaStorageError, kerr.MessageTooLarge, kerr.NotLeaderForPartition, kerr.InvalidRecord} {
		t.Run(fault.Message, func(t *testing.T) {
			e := start(t, Options{})
			client := dial(t, e, rightUser, rightPassword)
			handle := e.Cluster().Fault(faultProduce(fault, 1))
			err := client.ProduceSync(timeout(t), record("demo", "x")).FirstErr()
			if handle.Hits() != 1 {
				t.Fatalf("the fault answered %d requests, want 1", handle.Hits())
			}
			if fault.Retriable {
				if err != nil {
					t.Fatalf("produce after the fault: %v", err)
				}
				wantCount(t, e, "demo", 1)
				if got := e.ProduceRequests(); got != 2 {
					t.Errorf("%d produce requests, want 2", got)
				}
				return
			}
			wantError(t, "produce", err, fault)
			wantCount(t, e, "demo", 0)
		})
	}
}

func TestDuplicatesAreCountedTwice(t *testing.T) {
	for _, fault := range []*kerr.Error{kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend} {
		t.Run(fault.Message, func(t *testing.T) {
			e := start(t, Options{})
			client := dial(t, e, rightUser, rightPassword)
			e.Cluster().Fault(faultProduce(fault, 1)) // answered after the append, so the client sends again
			send(t, client, record("demo", "x"))
			wantCount(t, e, "demo", 2)
			logs := e.Logs("demo")
			if len(logs) != 2 || logs[0].Offset != 0 || logs[1].Offset != 1 {
				t.Errorf("logs %+v, want offsets 0 and 1", logs)
			}
			if infos := e.Cluster().PartitionInfo("demo", 0); infos.HighWatermark != 2 {
				t.Errorf("the broker appended %d records, want 2", infos.HighWatermark)
			}
		})
	}
}

func TestAnswersOfAControlAreNotBelieved(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	e.Cluster().ControlKey(int16(kmsg.Produce), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.ProduceRequest)
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range req.Topics {
			answered := kmsg.ProduceResponseTopic{Topic: t.Topic}
			for _, p := range t.Partitions {
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.Partition = p.Partition
				answered.Partitions = append(answered.Partitions, partition)
			}
			resp.Topics = append(resp.Topics, answered)
		}
		return resp, nil, true
	})
	send(t, client, record("demo", "never appended"))
	wantCount(t, e, "demo", 0)
	send(t, client, record("demo", "appended"))
	wantCount(t, e, "demo", 1)
}

func TestUnacknowledgedRecordsAreCounted(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword, kgo.RequiredAcks(kgo.NoAck()))
	for range 3 {
		send(t, client, record("demo", "x"))
	}
	if err := e.WaitCount(timeout(t), "demo", 3); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(timeout(t)); err != nil {
		t.Fatal(err)
	}
}

func TestWaitCount(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	waited := make(chan error, 1)
	go func() { waited <- e.WaitCount(timeout(t), "demo", 3) }()
	send(t, client, record("demo", "1"), record("demo.json", "2"), record("demo", "3"))
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { waited <- e.WaitCount(ctx, "demo", 5) }()
	cancel()
	err := <-waited
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "3 of 5 logs landed") {
		t.Errorf("WaitCount: %v, want how many landed and the context's error", err)
	}
	go func() { waited <- e.WaitCount(context.Background(), "demo", 5) }()
	e.Close()
	wantError(t, "WaitCount", <-waited, errClosed)
	wantCount(t, e, "demo", 3)
	if logs := e.Logs("demo"); len(logs) != 3 {
		t.Errorf("%d logs after Close, want 3", len(logs))
	}
	wantError(t, "CreateLogstore", e.CreateLogstore("later"), errClosed)
	wantError(t, "DeleteLogstore", e.DeleteLogstore("demo"), errClosed)
}

func TestClientComesBack(t *testing.T) {
	e := start(t, Options{})
	for i := range 3 {
		client := dial(t, e, rightUser, rightPassword)
		send(t, client, record("demo", "x"))
		client.Close()
		wantCount(t, e, "demo", i+1)
	}
}

func TestEndpointComesBack(t *testing.T) {
	before := start(t, Options{})
	client := dial(t, before, rightUser, rightPassword)
	send(t, client, record("demo", "before"))
	before.Close()
	after := start(t, Options{Listen: before.Addr(), CA: before.CA()})
	send(t, client, record("demo", "after"))
	wantCount(t, before, "demo", 1)
	wantCount(t, after, "demo", 1)
}

func TestOnLog(t *testing.T) {
	for _, discard := range []bool{false, true} {
		t.Run(fmt.Sprintf("discard=%t", discard), func(t *testing.T) {
			const clients, each = 4, 200
			var seen []Log
			var e *Endpoint
			e = start(t, Options{Shards: 1, DiscardLogs: discard, OnLog: func(l Log) {
				seen = append(seen, l)
				_ = e.Count("demo") // may be called from here
			}})
			var sent sync.WaitGroup
			for range clients {
				client := dial(t, e, rightUser, rightPassword)
				sent.Go(func() {
					for i := range each {
						if err := client.ProduceSync(timeout(t), record("demo", fmt.Sprint(i))).FirstErr(); err != nil {
							t.Error(err)
						}
					}
				})
			}
			sent.Wait()
			wantCount(t, e, "demo", clients*each)
			if len(seen) != clients*each {
				t.Fatalf("OnLog saw %d logs, want %d", len(seen), clients*each)
			}
			for i, l := range seen {
				if l.Offset != int64(i) {
					t.Fatalf("OnLog saw offset %d in place %d", l.Offset, i)
				}
			}
			kept := e.Logs("demo")
			if discard && len(kept) > 0 {
				t.Errorf("%d logs are kept", len(kept))
			}
			same := func(a, b Log) bool { return a.Offset == b.Offset && string(a.Value) == string(b.Value) }
			if !discard && !slices.EqualFunc(kept, seen, same) {
				t.Error("OnLog and Logs differ")
			}
		})
	}
}

func TestSeveralNodes(t *testing.T) {
	e := start(t, Options{Nodes: 3, Shards: 6})
	client := dial(t, e, rightUser, rightPassword)
	for shard := range int32(6) {
		send(t, client, &kgo.Record{Topic: "demo", Partition: shard, Value: []byte("x")})
		send(t, client, &kgo.Record{Topic: "demo.json", Partition: shard, Value: []byte("{}")})
	}
	wantCount(t, e, "demo", 12)
}

func TestListenOnAllInterfaces(t *testing.T) {
	e := start(t, Options{Listen: "0.0.0.0:0"})
	_, port, err := net.SplitHostPort(e.Addr())
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, e, rightUser, rightPassword, kgo.SeedBrokers("127.0.0.1:"+port))
	send(t, client, record("demo", "x"))
	wantCount(t, e, "demo", 1)
}

func TestOptionsAreChecked(t *testing.T) {
	for name, options := range map[string]Options{
		"listen":    {Listen: "nowhere"},
		"logstore":  {Logstores: []string{"Upper"}},
		"json":      {Logstores: []string{"demo.json"}},
		"shards":    {Shards: -1},
		"nodes":     {Nodes: -1},
		"port used": {Listen: start(t, Options{}).Addr()},
	} {
		if e, err := Start(options); err == nil {
			e.Close()
			t.Errorf("%s: started with %+v", name, options)
		}
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	e := start(t, Options{Nodes: 2, Shards: 4})
	client := dial(t, e, rightUser, rightPassword)
	e.DelayAcks(time.Hour)
	for shard := range int32(4) {
		client.Produce(context.Background(), &kgo.Record{Topic: "demo", Partition: shard, Value: []byte("x")}, nil)
	}
	if err := e.WaitCount(timeout(t), "demo", 4); err != nil {
		t.Fatal(err)
	}
	e.Close()
	e.Close()
	client.Close()
	ctx := timeout(t)
	for runtime.NumGoroutine() > before { // goroutines of the broker and the client end on their own, shortly after
		if ctx.Err() != nil {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}
