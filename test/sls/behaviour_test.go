package sls

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What becomes of the value of a record for the .json topic: the error of its batch, or the fields that land, or that
// nothing does.
func TestValues(t *testing.T) {
	type values = ValueBehaviour
	long := strings.Repeat("k", 129)
	for _, c := range []struct {
		name, value string
		values      values
		want        string
	}{
		{"not JSON", "plain", values{}, "[{content plain}]"},
		{"not JSON, refused", "plain", values{NotJSON: Refuse}, "INVALID_RECORD"},
		{"not JSON, dropped", "plain", values{NotJSON: Drop}, "nothing"},
		{"array", "[1]", values{}, "[{content [1]}]"},
		{"array, refused", "[1]", values{NotAnObject: Refuse}, "INVALID_RECORD"},
		{"scalar, dropped", "1", values{NotAnObject: Drop}, "nothing"},
		{"empty", "{}", values{}, "[]"},
		{"empty, dropped", "{}", values{EmptyObject: Drop}, "nothing"},
		{"broken", "{\"a\":\"\xff\"}", values{}, "[{a \ufffd}]"},
		{"broken, refused", "{\"a\":\"\xff\"}", values{BrokenUTF8: Refuse}, "INVALID_RECORD"},
		{"duplicates", `{"a":1,"b":2,"a":3}`, values{}, "[{a 1} {b 2} {a 3}]"},
		{"duplicates, first", `{"a":1,"b":2,"a":3}`, values{Duplicates: KeepFirst}, "[{a 1} {b 2}]"},
		{"duplicates, last", `{"a":1,"b":2,"a":3}`, values{Duplicates: KeepLast}, "[{a 3} {b 2}]"},
		{"nested", `{"a":{"b":1,"c":{"d":"x"}}}`, values{}, `[{a {"b":1,"c":{"d":"x"}}}]`},
		{"nested, flattened", `{"a":{"b":1,"c":{"d":"x"}},"e":2}`, values{Flatten: true}, `[{a.b 1} {a.c {"d":"x"}} {e 2}]`},
		{"null", `{"a":null}`, values{}, "[{a null}]"},
		{"null, another text", `{"a": null , "b":"null"}`, values{Null: "NULL"}, "[{a NULL} {b null}]"},
		{"null, left out", `{"a":null,"b":1}`, values{Null: "-"}, "[{b 1}]"},
		{"booleans", `{"a":true,"b":false,"c":"true"}`, values{True: "1", False: "0"}, "[{a 1} {b 0} {c true}]"},
		{"numbers", `{"a":12345678901234567890,"b":1.50}`, values{}, "[{a 12345678901234567890} {b 1.50}]"},
		{"numbers, rounded", `{"a":12345678901234567890,"b":1.50,"c":"1.50"}`, values{RoundNumber: true}, "[{a 1.2345678901234567e+19} {b 1.5} {c 1.50}]"},
		{"fields", `{"a":1,"b":2}`, values{MaxFields: 1}, "INVALID_RECORD"},
		{"long key, refused", `{"` + long + `":1}`, values{MaxKeyBytes: 128, LongKeys: Refuse}, "INVALID_RECORD"},
		{"long key, left out", `{"` + long + `":1,"a":2}`, values{MaxKeyBytes: 128, LongKeys: Cut}, "[{a 2}]"},
		{"long key that is not", `{"` + long[1:] + `":1}`, values{MaxKeyBytes: 128, LongKeys: Refuse}, "[{" + long[1:] + " 1}]"},
		{"long value, cut", `{"a":"12345"}`, values{MaxValueBytes: 3, LongValues: Cut}, "[{a 123}]"},
		{"reserved, refused", `{"__tag__:x":1}`, values{ReservedKeys: Refuse}, "INVALID_RECORD"},
		{"reserved, left out", `{"__time__":1,"a":2}`, values{ReservedKeys: Cut}, "[{a 2}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := start(t, Options{Behaviour: Behaviour{Values: c.values}})
			client := dial(t, e, rightUser, rightPassword)
			err := client.ProduceSync(timeout(t), record("demo.json", c.value)).FirstErr()
			got := "nothing"
			if logs := e.Logs("demo"); len(logs) > 0 {
				got = fmt.Sprint(logs[0].Fields())
			}
			if fault, ok := errors.AsType[*kerr.Error](err); ok {
				got = fault.Message
			} else if err != nil {
				t.Fatal(err)
			}
			if got != c.want || len(e.Logs("demo")) != e.Count("demo") {
				t.Errorf("%s, %d of %d logs; want %s", got, len(e.Logs("demo")), e.Count("demo"), c.want)
			}
			// The plain topic is never looked into.
			send(t, client, record("demo", c.value))
		})
	}
}

// A record that is dropped takes no place among those that land.
func TestDroppedAmongOthers(t *testing.T) {
	e := start(t, Options{Behaviour: Behaviour{OutOfTime: Drop, OldestLog: time.Hour, NewestLog: time.Minute}})
	client := dial(t, e, rightUser, rightPassword, kgo.ProducerLinger(50*time.Millisecond))
	now := time.Now()
	send(t, client, &kgo.Record{Topic: "demo", Value: []byte("old"), Timestamp: now.Add(-2 * time.Hour)},
		&kgo.Record{Topic: "demo", Value: []byte("now"), Timestamp: now}, &kgo.Record{Topic: "demo", Value: []byte("ahead"), Timestamp: now.Add(5 * time.Minute)})
	send(t, client, record("demo", "then"))
	logs := e.Logs("demo")
	if len(logs) != 2 || string(logs[0].Value) != "now" || logs[0].Offset != 0 || logs[1].Offset != 1 {
		t.Errorf("landed %+v", logs)
	}
}

// What is refused about a request as a whole.
func TestRequestBehaviour(t *testing.T) {
	for name, c := range map[string]struct {
		behaviour Behaviour
		client    []kgo.Opt
		want      error
	}{
		"acks":             {Behaviour{Acks: []int16{-1}}, nil, kerr.InvalidRequiredAcks},
		"codec":            {Behaviour{Codecs: []string{"none"}}, []kgo.Opt{kgo.ProducerBatchCompression(kgo.GzipCompression())}, kerr.UnsupportedCompressionType},
		"version":          {Behaviour{MaxProduceVersion: 4}, nil, nil},
		"unserved version": {Behaviour{UnservedProduceVersions: []int16{7}}, []kgo.Opt{kgo.RecordRetries(0)}, io.EOF},
		"size":             {Behaviour{MaxRequestBytes: 500}, []kgo.Opt{kgo.RecordRetries(0), kgo.ProducerBatchCompression(kgo.NoCompression())}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, Options{Behaviour: c.behaviour})
			client := dial(t, e, rightUser, rightPassword, append(c.client, kgo.RecordDeliveryTimeout(3*time.Second))...)
			err := client.ProduceSync(timeout(t), record("demo", strings.Repeat("x", 1000))).FirstErr()
			if landed := e.Count("demo") == 1; landed != (c.want == nil) || (err == nil) != (c.want == nil) {
				t.Fatalf("error %v, %d landed, want %v", err, e.Count("demo"), c.want)
			}
			if fault, ok := errors.AsType[*kerr.Error](c.want); ok {
				wantError(t, "produce", err, fault)
			}
		})
	}
}

func TestThrottleInsteadOfRefusal(t *testing.T) {
	e := start(t, Options{Quota: Quota{Bytes: 1}, Behaviour: Behaviour{ThrottleTime: 50 * time.Millisecond}})
	throttled := make(throttles, 100)
	client := dial(t, e, rightUser, rightPassword, kgo.WithHooks(throttled))
	for i := range 3 {
		send(t, client, record("demo", "x"))
		wantCount(t, e, "demo", i+1)
	}
	if len(throttled) == 0 {
		t.Error("no answer asked for a wait")
	}
}

type throttles chan struct{}

func (c throttles) OnBrokerThrottle(kgo.BrokerMetadata, time.Duration, bool) { c <- struct{}{} }

func TestMetadataBehaviour(t *testing.T) {
	e := start(t, Options{Shards: 3, Behaviour: Behaviour{BrokerHost: "localhost", HiddenShards: []int32{1}, MissingLogstore: kerr.TopicAuthorizationFailed}})
	client := dial(t, e, rightUser, rightPassword)
	wantError(t, "missing", topicError(t, client, "absent"), kerr.TopicAuthorizationFailed)
	resp, err := metadata("demo").RequestWith(timeout(t), client)
	if err != nil {
		t.Fatal(err)
	}
	var shards []int32
	for _, p := range resp.Topics[0].Partitions {
		shards = append(shards, p.Partition)
	}
	slices.Sort(shards)
	if resp.Brokers[0].Host != "localhost" || !slices.Equal(shards, []int32{0, 2}) {
		t.Errorf("host %s, shards %d", resp.Brokers[0].Host, shards)
	}
}

func TestSecurityToken(t *testing.T) {
	e := start(t, Options{Behaviour: Behaviour{SecurityToken: "token"}})
	for password, want := range map[string]error{rightPassword: nil, rightPassword + "#token": nil, rightPassword + "#other": kerr.TopicAuthorizationFailed} {
		wantError(t, password, topicError(t, dial(t, e, rightUser, password), "demo"), want)
	}
	wantError(t, "without", topicError(t, dial(t, start(t, Options{}), rightUser, rightPassword+"#token"), "demo"), kerr.TopicAuthorizationFailed)
}

func TestIdleConnectionsEnd(t *testing.T) {
	c := dialRaw(t, start(t, Options{Behaviour: Behaviour{IdleTimeout: 50 * time.Millisecond}}))
	c.request(handshake(1, "PLAIN"))
	c.closed("idle")
	c = dialRaw(t, start(t, Options{Behaviour: Behaviour{RefuseBareToken: true}}))
	c.writeFrame([]byte{0, 17, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0, 5, 'P', 'L', 'A', 'I', 'N'})
	c.closed("handshake version 0")
}

// A group reads what the specification of the consumer side says, from both topics.
func TestConsume(t *testing.T) {
	e := start(t, Options{})
	at := time.UnixMilli(1_700_000_000_987)
	client := dial(t, e, rightUser, rightPassword)
	send(t, client, &kgo.Record{Topic: "demo", Value: []byte("a text"), Timestamp: at})
	reader := dial(t, e, rightUser, rightPassword, kgo.ConsumerGroup("readers"), kgo.ConsumeTopics("demo"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100*time.Millisecond))
	got := poll(t, reader, 1)
	send(t, client, &kgo.Record{Topic: "demo.json", Value: []byte(`{"a":1,"b":{"c":"x"}}`), Timestamp: at, Partition: 1})
	got = append(got, poll(t, reader, 1)...)
	want := []string{"content=a text@1700000000000", `={"a":"1","b":"{\"c\":\"x\"}"}@1700000000000`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := reader.CommitUncommittedOffsets(timeout(t)); err != nil {
		t.Fatal(err)
	}
	reader.Close()
	send(t, client, record("demo", "after"))
	again := dial(t, e, rightUser, rightPassword, kgo.ConsumerGroup("readers"), kgo.ConsumeTopics("demo"), kgo.FetchMaxWait(100*time.Millisecond))
	if got := poll(t, again, 1); !strings.HasPrefix(got[0], "content=after@") {
		t.Errorf("after the committed offset: %q", got)
	}
}

func poll(t *testing.T, client *kgo.Client, n int) (got []string) {
	t.Helper()
	ctx := timeout(t)
	for len(got) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got = append(got, fmt.Sprintf("%s=%s@%d", r.Key, r.Value, r.Timestamp.UnixMilli()))
		})
	}
	return got
}

func TestNoConsumer(t *testing.T) {
	for name, c := range map[string]struct {
		options  Options
		password string
		want     error
	}{
		"switched off":      {Options{Behaviour: Behaviour{NoConsumer: true}}, rightPassword, kerr.GroupAuthorizationFailed},
		"wrong credentials": {Options{}, "demo-id#wrong", kerr.TopicAuthorizationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, c.options)
			reader := dial(t, e, rightUser, c.password, kgo.ConsumerGroup("readers"), kgo.ConsumeTopics("demo"))
			fetches := reader.PollFetches(timeout(t))
			wantError(t, "poll", fetches.Err(), c.want)
		})
	}
}

// Every profile takes what a careful client sends, and refuses only what is not documented.
func TestProfiles(t *testing.T) {
	for _, name := range Profiles() {
		t.Run(name, func(t *testing.T) {
			var o Options
			if err := o.SetProfile(name); err != nil {
				t.Fatal(err)
			}
			e := start(t, o)
			client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.GzipCompression()))
			send(t, client, record("demo.json", `{"a":"b"}`), record("demo", "plain"))
			wantCount(t, e, "demo", 2)
			old := record("demo.json", `{"a":"b"}`)
			old.Timestamp = time.Now().AddDate(-1, 0, 0)
			want := error(kerr.InvalidTimestamp)
			if name == Lenient {
				want = nil
			}
			wantError(t, "old", client.ProduceSync(timeout(t), old).FirstErr(), want)
		})
	}
	if err := new(Options).SetProfile("other"); err == nil {
		t.Error("an unknown profile is accepted")
	}
	for _, b := range []Behaviour{{Codecs: []string{"brotli"}}, {MaxProduceVersion: 99}} {
		if err := (Options{Behaviour: b}).Check(); err == nil {
			t.Errorf("%+v is accepted", b)
		}
	}
}

// A fetch that finds nothing is answered with no bytes, as a broker does, and not with null, which librdkafka refuses.
func TestFetchOfNothing(t *testing.T) {
	e := start(t, Options{})
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.MaxWaitMillis = 1000, 1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "demo"
	for shard := range int32(3) {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.PartitionMaxBytes = shard, 1000
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := dial(t, e, rightUser, rightPassword).Broker(0).Request(timeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range resp.(*kmsg.FetchResponse).Topics[0].Partitions {
		want := map[int]int16{2: kerr.UnknownTopicOrPartition.Code}[i]
		if p.RecordBatches == nil || len(p.RecordBatches) > 0 || p.ErrorCode != want {
			t.Errorf("shard %d: %q, error %d, want %d", i, p.RecordBatches, p.ErrorCode, want)
		}
	}
}
