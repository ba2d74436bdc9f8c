package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// Mode is one way of doing harm. Its functions change the answer of a broker that does none; nil: as it is.
type Mode struct {
	Name string
	N    int  // of Options, for a test
	Acks bool // it acknowledges all the same

	certificate  func(*Broker) (tls.Certificate, error)
	versions     func(*Broker, *kmsg.ApiVersionsResponse)
	handshake    func(*Broker, *kmsg.SASLHandshakeResponse)
	authenticate func(*Broker, *kmsg.SASLAuthenticateResponse)
	metadata     func(*Broker, *kmsg.MetadataResponse)
	produce      func(*Broker, *kmsg.ProduceResponse)
	raw          func(*Broker, net.Conn, request) (answered bool)
}

// Find returns the mode of a name, for a test of that one alone.
func Find(name string) Mode {
	for _, m := range Modes() {
		if m.Name == name {
			return m
		}
	}
	panic("no mode " + name)
}

// Modes are all modes.
func Modes() []Mode {
	modes := []Mode{{Name: "harmless", Acks: true}}
	modes = append(modes, identities()...)
	modes = append(modes, texts()...)
	modes = append(modes, floods()...)
	modes = append(modes, frames()...)
	return append(modes, lies()...)
}

// identities are certificates that must not be trusted: no credentials may be sent.
func identities() []Mode {
	own := func(names func(b *Broker) []string, from, to time.Duration) func(*Broker) (tls.Certificate, error) {
		return func(b *Broker) (tls.Certificate, error) {
			return b.ca.Issue(names(b), time.Now().Add(from), time.Now().Add(to))
		}
	}
	here := func(*Broker) []string { return []string{"127.0.0.1", "localhost"} }
	return []Mode{
		{Name: "certificate names", certificate: forgedNames},
		{Name: "certificate expired", certificate: own(here, -3*time.Hour, -time.Hour)},
		{Name: "certificate of another", certificate: own(func(*Broker) []string { return []string{"a.example"} }, -time.Hour, time.Hour)},
		{Name: "certificate of an unknown authority", certificate: func(*Broker) (tls.Certificate, error) {
			ca, err := sls.NewCA()
			if err != nil {
				return tls.Certificate{}, err
			}
			return ca.Issue([]string{"127.0.0.1", "localhost"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		}},
	}
}

// forgedNames is a certificate that anybody can make: crypto/x509 puts its names into an error before it looks at who
// issued it.
func forgedNames(*Broker) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "evil" + Forged}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"a.example" + Forged}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// Another returns the mode of a broker that sends its clients to another one.
func Another() Mode {
	return Mode{Name: "another broker", metadata: func(b *Broker, a *kmsg.MetadataResponse) {
		host, port, _ := net.SplitHostPort(b.options.Other)
		number, _ := strconv.Atoi(port)
		a.Brokers[0].Host, a.Brokers[0].Port = host, int32(number)
	}}
}

// texts are those that a client may show.
func texts() []Mode {
	return []Mode{
		{Name: "mechanism", handshake: func(_ *Broker, a *kmsg.SASLHandshakeResponse) {
			a.ErrorCode, a.SupportedMechanisms = kerr.UnsupportedSaslMechanism.Code, []string{"evil" + Forged}
		}},
		{Name: "refusal", authenticate: func(_ *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.ErrorCode, a.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("no"+Forged)
		}},
		{Name: "refusal with the password", authenticate: func(b *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.ErrorCode, a.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr(fmt.Sprintf("not %q", b.lastPassword()))
		}},
		{Name: "long refusal", N: 30_000, authenticate: func(b *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.ErrorCode, a.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr(strings.Repeat("A", b.options.N))
		}},
		{Name: "host name", metadata: func(_ *Broker, a *kmsg.MetadataResponse) { a.Brokers[0].Host = "evil" + Forged }},
		{Name: "topic names", metadata: func(_ *Broker, a *kmsg.MetadataResponse) {
			for i := range a.Topics {
				a.Topics[i].Topic, a.Topics[i].ErrorCode = kmsg.StringPtr("evil"+Forged), kerr.UnknownTopicOrPartition.Code
			}
		}},
		{Name: "topic names of acknowledgements", produce: func(_ *Broker, a *kmsg.ProduceResponse) {
			for i := range a.Topics {
				a.Topics[i].Topic = "evil" + Forged
			}
		}},
		{Name: "refused records", N: 5_000, produce: func(b *Broker, a *kmsg.ProduceResponse) {
			for i := range a.Topics {
				for j := range a.Topics[i].Partitions {
					p := &a.Topics[i].Partitions[j]
					p.ErrorCode, p.ErrorMessage = kerr.InvalidRecord.Code, kmsg.StringPtr("no"+Forged)
					for n := range b.options.N {
						p.ErrorRecords = append(p.ErrorRecords, kmsg.ProduceResponseTopicPartitionErrorRecord{RelativeOffset: int32(n - 1), ErrorMessage: kmsg.StringPtr("no" + Forged)})
					}
				}
			}
		}},
	}
}

// floods are answers that are right in form and too large.
func floods() []Mode {
	return []Mode{
		{Name: "topics without bytes", N: 20_000_000, raw: manyTopics},
		{Name: "topics without bytes that fit", N: 500_000, raw: manyTopics},
		{Name: "shards", N: 1_000_000, metadata: eachTopic(func(b *Broker, t *kmsg.MetadataResponseTopic) {
			for i := range b.options.N {
				t.Partitions = append(t.Partitions, shard(int32(i+1), 1))
			}
		})},
		{Name: "shards that fit", N: 12_000, Acks: true, metadata: eachTopic(func(b *Broker, t *kmsg.MetadataResponseTopic) {
			for i := range b.options.N {
				t.Partitions = append(t.Partitions, shard(int32(i+1), 1))
			}
		})},
		{Name: "leaders", N: 12_000, Acks: true, metadata: eachTopic(func(b *Broker, t *kmsg.MetadataResponseTopic) {
			t.Partitions = nil
			for i := range b.options.N {
				t.Partitions = append(t.Partitions, shard(int32(i), int32(i)))
			}
		})},
		{Name: "negative shards", Acks: true, metadata: eachTopic(func(_ *Broker, t *kmsg.MetadataResponseTopic) {
			t.Partitions = nil
			for _, i := range []int32{-1, 0, 0, -1 << 31, 1<<31 - 1} {
				t.Partitions = append(t.Partitions, shard(i, 1))
			}
		})},
		{Name: "topics not asked for", N: 500_000, metadata: strangers},
		{Name: "topics not asked for that fit", N: 8_000, Acks: true, metadata: strangers},
		{Name: "brokers", N: 15_000, Acks: true, metadata: func(b *Broker, a *kmsg.MetadataResponse) {
			for i := range b.options.N {
				a.Brokers = append(a.Brokers, kmsg.MetadataResponseBroker{NodeID: int32(i + 2), Host: "127.0.0.1", Port: 1})
			}
		}},
		{Name: "throttle", metadata: func(_ *Broker, a *kmsg.MetadataResponse) { a.ThrottleMillis = 1<<31 - 1 }, Acks: true},
	}
}

func eachTopic(f func(*Broker, *kmsg.MetadataResponseTopic)) func(*Broker, *kmsg.MetadataResponse) {
	return func(b *Broker, a *kmsg.MetadataResponse) {
		for i := range a.Topics {
			f(b, &a.Topics[i])
		}
	}
}

// strangers adds other names each time: they must not be kept.
func strangers(b *Broker, a *kmsg.MetadataResponse) {
	before := b.Requests(kmsg.Metadata)
	for i := range b.options.N {
		a.Topics = append(a.Topics, kmsg.MetadataResponseTopic{Topic: kmsg.StringPtr(fmt.Sprintf("t%d-%d", before, i)), Partitions: []kmsg.MetadataResponseTopicPartition{shard(0, 1)}})
	}
}

// manyTopics announces as many topics as there are bytes: a decoder that makes room for them all takes a hundred times
// what came.
func manyTopics(b *Broker, c net.Conn, r request) bool {
	if r.key != kmsg.Metadata {
		return false
	}
	n := b.options.N
	body := binary.BigEndian.AppendUint32(nil, uint32(r.correlation))
	body = append(body, 0, 0, 0, 0) // throttled for no time
	body = append(body, 0, 0, 0, 0) // no brokers
	body = append(body, 0xff, 0xff) // a cluster without an id
	body = append(body, 0, 0, 0, 0) // its controller
	body = binary.BigEndian.AppendUint32(body, uint32(n))
	body = append(body, make([]byte, n)...)
	_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return true
}

// frames are answers that are wrong in form.
func frames() []Mode {
	return []Mode{
		{Name: "drip", raw: func(b *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.ApiVersions {
				return false
			}
			b.drip(c, r, 100<<20)
			return true
		}},
		{Name: "drip of metadata", raw: func(b *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.Metadata {
				return false
			}
			b.drip(c, r, 1<<20)
			return true
		}},
		{Name: "negative length", raw: func(_ *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.Metadata {
				return false
			}
			_, _ = c.Write([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
			return true
		}},
		{Name: "random bytes", raw: func(_ *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.Metadata && r.key != kmsg.Produce {
				return false
			}
			var body [512]byte
			_, _ = rand.Read(body[:]) // never fails
			f := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), uint32(r.correlation))
			_, _ = c.Write(append(f, body[:]...))
			return true
		}},
		{Name: "answers nobody asked for", raw: func(_ *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.Metadata {
				return false
			}
			flood := frame(r.correlation+1000, &kmsg.MetadataResponse{Version: r.version})
			for range 10_000 {
				if _, err := c.Write(flood); err != nil {
					break
				}
			}
			return true
		}},
	}
}

// drip announces an answer and sends it a byte at a time, until the client has enough.
func (b *Broker) drip(c net.Conn, r request, announced uint32) {
	begin := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, announced), uint32(r.correlation))
	for _, err := c.Write(begin); err == nil; _, err = c.Write([]byte{0}) {
		select {
		case <-time.After(500 * time.Millisecond):
		case <-b.quit:
			return
		}
	}
}
