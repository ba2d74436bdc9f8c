package sls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

const (
	rightUser     = "demo-project"
	rightPassword = "demo-id#demo-secret"
)

func start(t testing.TB, options Options) *Endpoint {
	t.Helper()
	e, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func trust(t testing.TB, e *Endpoint) *tls.Config {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(e.CAPEM()) {
		t.Fatal("the CA's PEM holds no certificate")
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// dial is a client as the specification's Go example sets one up.
func dial(t testing.TB, e *Endpoint, user, password string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(e.Addr()),
		kgo.Dialer((&tls.Dialer{Config: trust(t, e)}).DialContext),
		kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()),
		kgo.DisableIdempotentWrite(),
		kgo.DisableClientMetrics(),
		kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.UnknownTopicRetries(0),
		kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// send produces one batch and fails the test where it is not acknowledged.
func send(t testing.TB, client *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := client.ProduceSync(timeout(t), records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

func record(topic, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Value: []byte(value)}
}

func wantCount(t testing.TB, e *Endpoint, logstore string, want int) {
	t.Helper()
	if got := e.Count(logstore); got != want {
		t.Errorf("logstore %s holds %d logs, want %d", logstore, got, want)
	}
}

// topicError asks for a topic's metadata and returns the topic's error.
func topicError(t testing.TB, client *kgo.Client, topic string) error {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, asked)
	resp, err := req.RequestWith(timeout(t), client)
	if err != nil {
		t.Fatalf("metadata: %v", err)
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
