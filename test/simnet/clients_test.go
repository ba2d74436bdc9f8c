package simnet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// certificate is made in the bubble, since it must be valid in fake time.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	t.Run("handshake", bubble(func(t *testing.T, _ *Network, client, server *Conn) {
		own := certificate(t)
		roots := x509.NewCertPool()
		roots.AddCert(own.Leaf)
		go func() {
			s := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{own}}) //nolint:gosec // the default is what clients have
			_, _ = io.Copy(s, s)
			_ = s.Close()
		}()
		c := tls.Client(client, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}) //nolint:gosec // as above
		if err := c.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := string(make([]byte, 100_000))
		takes(t, 2*defaultLatency, func() {
			send(t, c, text)
			receive(t, c, text)
		})
		_ = c.CloseWrite()
		readFails(t, c, io.EOF)
	}))
	t.Run("handshake that gets no answer", bubble(func(t *testing.T, _ *Network, client, _ *Conn) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		takes(t, time.Minute, func() {
			if err := tls.Client(client, &tls.Config{ServerName: "127.0.0.1"}).HandshakeContext(ctx); err == nil { //nolint:gosec // as above
				t.Error("a handshake without a server")
			}
		})
	}))
}

func TestKafka(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := New()
		cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(3, "demo"), kfake.ListenFn(n.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.Dialer(n.Dial), kgo.DefaultProduceTopic("demo"), kgo.ConsumeTopics("demo"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for range 3 {
			if err := client.ProduceSync(t.Context(), kgo.StringRecord("hello")).FirstErr(); err != nil {
				t.Fatal(err)
			}
			n.CloseAll()
			time.Sleep(time.Minute)
		}
		for seen := 0; seen < 3; {
			seen += client.PollFetches(t.Context()).NumRecords()
		}
	})
}
