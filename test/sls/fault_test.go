package sls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func faultProduce(err *kerr.Error, count int) kfake.Fault {
	return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: count}
}

// pipelined sends produce requests on one connection without waiting for answers.
func pipelined(t *testing.T, e *Endpoint, n int) (answered *atomic.Int64, all chan struct{}) {
	client := dial(t, e, rightUser, rightPassword, kgo.MaxProduceRequestsInflightPerBroker(n), kgo.ProducerLinger(0))
	send(t, client, record("demo", "first")) // a partition pipelines after its first answer
	answered, all = new(atomic.Int64), make(chan struct{})
	e.DelayAcks(time.Hour)
	for i := range n {
		client.Produce(context.Background(), record("demo", "x"), func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
			if answered.Add(1) == int64(n) {
				close(all)
			}
		})
		// The next record must not join this one's batch.
		if err := e.WaitCount(timeout(t), "demo", i+2); err != nil {
			t.Fatal(err)
		}
	}
	return answered, all
}

func TestDelayedAcksDoNotQueueBehindEachOther(t *testing.T) {
	const n = 5
	e := start(t, Options{})
	answered, all := pipelined(t, e, n) // all five landed while the first answer is still an hour away
	if answered.Load() != 0 {
		t.Fatalf("%d answers came at once", answered.Load())
	}
	if got := e.ProduceRequests(); got != n+1 {
		t.Errorf("%d produce requests, want %d", got, n+1)
	}
	other := dial(t, e, rightUser, rightPassword)
	if err := topicError(t, other, "demo"); err != nil {
		t.Errorf("metadata while answers are held: %v", err)
	}
	e.DelayAcks(0)
	<-all
}

func TestDelayedAcksComeAfterTheDelay(t *testing.T) {
	const delay = 50 * time.Millisecond
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	send(t, client, record("demo", "x"))
	e.DelayAcks(delay)
	begin := time.Now()
	send(t, client, record("demo", "x"))
	if took := time.Since(begin); took < delay {
		t.Errorf("the answer came after %v, want at least %v", took, delay)
	}
}

func TestDamagedBatchIsRefusedAlone(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(time.Second))
	e.Cluster() // no fault: the front itself must find the damage
	req := produceRequest(t, []string{"good"}, []string{"damaged"})
	damage(req.Topics[0].Partitions[1].Records)
	resp, err := client.Broker(0).Request(timeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range resp.(*kmsg.ProduceResponse).Topics[0].Partitions {
		want := error(nil)
		if p.Partition == 1 {
			want = kerr.CorruptMessage
		}
		if got := kerr.ErrorForCode(p.ErrorCode); !errors.Is(got, want) {
			t.Errorf("partition %d: %v, want %v", p.Partition, got, want)
		}
	}
	wantCount(t, e, "demo", 1)
	if logs := e.Logs("demo"); len(logs) != 1 || string(logs[0].Value) != "good" {
		t.Errorf("logs %v, want the good one alone", logs)
	}
}

func TestMessageTooLarge(t *testing.T) {
	e := start(t, Options{BrokerConfigs: map[string]string{"message.max.bytes": "1000"}})
	client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.NoCompression()))
	send(t, client, record("demo", "small"))
	err := client.ProduceSync(timeout(t), record("demo", string(make([]byte, 2000)))).FirstErr()
	wantError(t, "produce", err, kerr.MessageTooLarge)
	wantCount(t, e, "demo", 1)
}

func TestCertificates(t *testing.T) {
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	issue := func(from, to time.Time, names ...string) *tls.Certificate {
		certificate, err := ca.Issue(names, from, to)
		if err != nil {
			t.Fatal(err)
		}
		return &certificate
	}
	var invalid x509.CertificateInvalidError
	var hostname x509.HostnameError
	for name, test := range map[string]struct {
		certificate *tls.Certificate
		as          any
	}{
		"expired":    {issue(now.Add(-2*time.Hour), now.Add(-time.Hour), "127.0.0.1"), &invalid},
		"wrong name": {issue(now, now.Add(time.Hour), "demo-project.cn-hangzhou.log.aliyuncs.com"), &hostname},
		"right":      {issue(now.Add(-time.Hour), now.Add(time.Hour), "127.0.0.1"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, Options{CA: ca, Certificate: test.certificate})
			err := dial(t, e, rightUser, rightPassword).Ping(timeout(t))
			switch {
			case test.as == nil && err != nil:
				t.Error(err)
			case test.as != nil && (err == nil || !errors.As(err, test.as)):
				t.Errorf("ping: %v, want a %T", err, test.as)
			}
		})
	}
}

func TestCASurvivesARestart(t *testing.T) {
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadCA(ca.PEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	before, after := start(t, Options{CA: ca}), start(t, Options{CA: loaded})
	client := dial(t, before, rightUser, rightPassword, kgo.SeedBrokers(after.Addr()))
	if err := client.Ping(timeout(t)); err != nil {
		t.Error(err)
	}
	if _, err := LoadCA(ca.PEM(), []byte("no key")); err == nil {
		t.Error("a CA was loaded without its key")
	}
}

// cutListener cuts its connections when told to.
type cutListener struct {
	net.Listener
	conns chan net.Conn
}

func (l *cutListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.conns <- c
	}
	return c, err
}

func TestWrappedListenerCutsAnAnswerOff(t *testing.T) {
	wrapped := &cutListener{conns: make(chan net.Conn, 100)}
	e := start(t, Options{WrapListener: func(l net.Listener) net.Listener { wrapped.Listener = l; return wrapped }})
	client := dial(t, e, rightUser, rightPassword)
	send(t, client, record("demo", "first"))
	e.DelayAcks(time.Hour)
	acknowledged := make(chan error, 1)
	client.Produce(context.Background(), record("demo", "x"), func(_ *kgo.Record, err error) { acknowledged <- err })
	if err := e.WaitCount(timeout(t), "demo", 2); err != nil {
		t.Fatal(err)
	}
	for range len(wrapped.conns) { // not those that the client opens after the first cut
		(<-wrapped.conns).Close()
	}
	if err := e.WaitCount(timeout(t), "demo", 3); err != nil { // the client cannot know and sends again
		t.Fatal(err)
	}
	e.DelayAcks(0)
	if err := <-acknowledged; err != nil {
		t.Fatal(err)
	}
	wantCount(t, e, "demo", 3)
}
