package page

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"out_sls_kafka/test/sls"
)

// site is an endpoint, a client of it, and its page.
type site struct {
	t      *testing.T
	e      *sls.Endpoint
	client *kgo.Client
	server *httptest.Server
}

func startSite(t *testing.T, options sls.Options) *site {
	t.Helper()
	e, err := sls.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(e.CAPEM())
	client, err := kgo.NewClient(kgo.SeedBrokers(e.Addr()), kgo.DialTLSConfig(&tls.Config{RootCAs: roots}),
		kgo.SASL(plain.Auth{User: "demo-project", Pass: "demo-id#demo-secret"}.AsMechanism()),
		kgo.DisableIdempotentWrite(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	server := httptest.NewServer(New(e))
	t.Cleanup(server.Close)
	return &site{t: t, e: e, client: client, server: server}
}

// at is the time of the first log; each further one of a call is a second later.
var at = time.UnixMilli(1_700_000_000_123)

// land sends values as logs, in their order.
func (s *site) land(topic string, values ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for i, v := range values {
		r := &kgo.Record{Topic: topic, Value: []byte(v), Timestamp: at.Add(time.Duration(i) * time.Second)}
		if err := s.client.ProduceSync(ctx, r).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
	}
}
