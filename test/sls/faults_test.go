package sls

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func setFault(t *testing.T, e *Endpoint, f Fault) {
	t.Helper()
	if err := e.SetFault(f); err != nil {
		t.Fatal(err)
	}
}

// produceOnce sends one request past the client's own retries and returns each partition's error.
func produceOnce(t *testing.T, client *kgo.Client, topic string) ([]error, error) {
	t.Helper()
	req := produceRequest(t, []string{"x"})
	req.Topics[0].Topic = topic
	resp, err := client.Broker(0).Request(timeout(t), req)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, p := range resp.(*kmsg.ProduceResponse).Topics[0].Partitions {
		errs = append(errs, kerr.ErrorForCode(p.ErrorCode))
	}
	return errs, nil
}

func TestErrorFaults(t *testing.T) {
	for _, refusal := range refusals {
		t.Run(refusal.err.Message, func(t *testing.T) {
			e := start(t, Options{Logstores: []string{"demo", "other"}})
			client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.NoCompression()))
			setFault(t, e, Fault{Name: refusal.err.Message, Logstore: "demo"})

			for _, topic := range []string{"demo", "demo.json"} {
				errs, err := produceOnce(t, client, topic)
				if err != nil {
					t.Fatal(err)
				}
				wantError(t, "produce to "+topic, errs[0], refusal.err)
			}
			want := error(nil)
			if refusal.metadata {
				want = refusal.err
			}
			wantError(t, "metadata", topicError(t, client, "demo"), want)
			wantCount(t, e, "demo", 0)
			wantError(t, "other logstore's metadata", topicError(t, client, "other"), nil)
			send(t, client, record("other", "x"))

			hits := 2
			if refusal.metadata {
				hits++
			}
			if on := e.Faults(); len(on) != 1 || on[0].Hits != hits || on[0].Logstore != "demo" {
				t.Errorf("faults %+v, want the one with %d hits", on, hits)
			}
			if !e.ClearFault(refusal.err.Message) || e.ClearFault(refusal.err.Message) || len(e.Faults()) != 0 {
				t.Error("the fault was not on once")
			}
			send(t, client, record("demo", "x"))
			wantCount(t, e, "demo", 1)
		})
	}
}

func TestFaultCounts(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	send(t, client, record("demo", "x"))
	before := e.ProduceRequests()
	setFault(t, e, Fault{Name: "KAFKA_STORAGE_ERROR", Count: 3})
	send(t, client, record("demo", "x")) // the client tries again by itself
	if got := e.ProduceRequests() - before; got != 4 {
		t.Errorf("%d produce requests, want 3 refused and one that landed", got)
	}
	if on := e.Faults(); len(on) != 0 {
		t.Errorf("faults %+v are still on", on)
	}
	wantCount(t, e, "demo", 2)
}

func TestFaultRefusesUnacknowledgedWrites(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword, kgo.RequiredAcks(kgo.NoAck()))
	setFault(t, e, Fault{Name: "NETWORK_EXCEPTION", Count: 1})
	send(t, client, record("demo", "lost"))
	send(t, client, record("demo", "landed"))
	if err := e.WaitCount(timeout(t), "demo", 1); err != nil {
		t.Fatal(err)
	}
	if logs := e.Logs("demo"); len(logs) != 1 || string(logs[0].Value) != "landed" {
		t.Errorf("logs %v, want the second alone", logs)
	}
}

func TestConnectionCut(t *testing.T) {
	for _, test := range []struct {
		name  string
		lands int
	}{{ConnectionCut, 1}, {ConnectionCutAfterWrite, 2}} {
		t.Run(test.name, func(t *testing.T) {
			e := start(t, Options{})
			client := dial(t, e, rightUser, rightPassword)
			send(t, client, record("demo", "first"))
			setFault(t, e, Fault{Name: test.name, Count: 1})
			send(t, client, record("demo", "second")) // the client connects and sends again
			wantCount(t, e, "demo", 1+test.lands)
			if on := e.Faults(); len(on) != 0 {
				t.Errorf("faults %+v are still on", on)
			}
		})
	}
	t.Run("until switched off", func(t *testing.T) {
		e := start(t, Options{})
		client := dial(t, e, rightUser, rightPassword)
		send(t, client, record("demo", "first"))
		setFault(t, e, Fault{Name: ConnectionCut})
		if _, err := produceOnce(t, client, "demo"); err == nil {
			t.Error("a request was answered")
		}
		if err := dial(t, e, rightUser, rightPassword, kgo.RequestRetries(0)).Ping(timeout(t)); err == nil {
			t.Error("a new client was served")
		}
		wantCount(t, e, "demo", 1)
		e.ClearFault(ConnectionCut)
		send(t, client, record("demo", "second"))
		wantCount(t, e, "demo", 2)
	})
}

// A cut drops the answers still held back, not the logs that landed.
func TestConnectionCutDropsHeldAnswers(t *testing.T) {
	e := start(t, Options{})
	_, all := pipelined(t, e, 3)
	setFault(t, e, Fault{Name: ConnectionCut, Count: 1})
	e.DelayAcks(0)
	<-all
	if got := e.Count("demo"); got < 4 {
		t.Errorf("%d logs landed, want at least 4", got)
	}
}

func TestAckDelayFault(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	send(t, client, record("demo", "x"))
	setFault(t, e, Fault{Name: AckDelay, Delay: time.Hour})
	acknowledged := make(chan error, 1)
	client.Produce(t.Context(), record("demo", "x"), func(_ *kgo.Record, err error) { acknowledged <- err })
	if err := e.WaitCount(timeout(t), "demo", 2); err != nil {
		t.Fatal(err)
	}
	for ctx := timeout(t); e.Faults()[0].Hits == 0 && ctx.Err() == nil; { // the answer follows the landing
		runtime.Gosched()
	}
	want := Fault{Name: AckDelay, Delay: time.Hour, Hits: 1}
	if on := e.Faults(); len(on) != 1 || on[0] != want {
		t.Errorf("faults %+v, want %+v", on, want)
	}
	if !e.ClearFault(AckDelay) || e.ClearFault(AckDelay) {
		t.Error("the delay was not on once")
	}
	if err := <-acknowledged; err != nil {
		t.Error(err)
	}
}

func TestFaultsAreChecked(t *testing.T) {
	e := start(t, Options{})
	for _, test := range []struct {
		fault Fault
		says  string
	}{
		{Fault{Name: "NO_SUCH"}, "KAFKA_STORAGE_ERROR"},
		{Fault{Name: AckDelay}, "delay"},
		{Fault{Name: AckDelay, Delay: -time.Second}, "delay"},
		{Fault{Name: AckDelay, Delay: time.Second, Count: 1}, "count"},
		{Fault{Name: ConnectionCut, Delay: time.Second}, "delay"},
		{Fault{Name: ConnectionCut, Logstore: "demo"}, "logstore"},
		{Fault{Name: "NETWORK_EXCEPTION", Count: -1}, "count -1"},
		{Fault{Name: "NETWORK_EXCEPTION", Logstore: "absent"}, `"absent"`},
	} {
		if err := e.SetFault(test.fault); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v, want %q in it", test.fault, err, test.says)
		}
	}
	if on := e.Faults(); len(on) != 0 {
		t.Errorf("faults %+v are on", on)
	}
}

func TestWrongCredentialsComeBeforeFaults(t *testing.T) {
	e := start(t, Options{})
	setFault(t, e, Fault{Name: "KAFKA_STORAGE_ERROR"})
	client := dial(t, e, rightUser, "wrong#pair", kgo.ProducerBatchCompression(kgo.NoCompression()))
	errs, err := produceOnce(t, client, "demo")
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, "produce", errs[0], kerr.TopicAuthorizationFailed)
	if hits := e.Faults()[0].Hits; hits != 0 {
		t.Errorf("the fault met %d requests", hits)
	}
}

func TestSeveralFaultsAtOnce(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.NoCompression()))
	setFault(t, e, Fault{Name: "KAFKA_STORAGE_ERROR"})
	setFault(t, e, Fault{Name: "NETWORK_EXCEPTION", Count: 1})
	for _, want := range []error{kerr.NetworkException, kerr.KafkaStorageError} {
		errs, err := produceOnce(t, client, "demo")
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(errs[0], want) {
			t.Errorf("produce: %v, want %v", errs[0], want)
		}
	}
	if on := e.Faults(); len(on) != 1 || on[0].Hits != 1 {
		t.Errorf("faults %+v, want the second alone, which answered once", on)
	}
	e.ClearFault("KAFKA_STORAGE_ERROR")
	setFault(t, e, Fault{Name: "UNKNOWN_TOPIC_OR_PARTITION"})
	setFault(t, e, Fault{Name: "TOPIC_AUTHORIZATION_FAILED", Count: 1})
	for _, want := range []error{kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition} {
		wantError(t, "metadata", topicError(t, client, "demo"), want)
	}
	if names := fmt.Sprint(FaultNames()); !strings.Contains(names, "NETWORK_EXCEPTION TOPIC_AUTHORIZATION_FAILED") {
		t.Errorf("fault names %s", names)
	}
}
