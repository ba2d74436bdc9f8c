package hostile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lies are answers whose form is right, or nearly, and that say what cannot be.
func lies() []Mode {
	return []Mode{
		{Name: "length too large by one", raw: lengthOff(1)},
		{Name: "length too small by one", raw: lengthOff(-1)},
		{Name: "answers to the request before", raw: func(b *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.Metadata && r.key != kmsg.Produce {
				return false
			}
			_, _ = c.Write(frame(r.correlation-1, b.answer(r)))
			return true
		}},
		{Name: "versions without order", versions: func(_ *Broker, a *kmsg.ApiVersionsResponse) {
			for i := range a.ApiKeys {
				a.ApiKeys[i].MinVersion, a.ApiKeys[i].MaxVersion = math.MaxInt16, math.MinInt16
			}
		}},
		{Name: "versions of all and nothing", N: 20_000, Acks: true, versions: func(b *Broker, a *kmsg.ApiVersionsResponse) {
			for i := range b.options.N {
				a.ApiKeys = append(a.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: int16(1000 + i), MinVersion: -1, MaxVersion: math.MaxInt16})
			}
			a.ApiKeys = append(a.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: -1, MinVersion: 3, MaxVersion: 2})
		}},
		{Name: "session of no time", Acks: true, authenticate: func(_ *Broker, a *kmsg.SASLAuthenticateResponse) { a.SessionLifetimeMillis = 1 }},
		{Name: "session before its begin", Acks: true, authenticate: func(_ *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.SessionLifetimeMillis = math.MinInt64
		}},
		{Name: "challenge after challenge", Acks: true, authenticate: func(b *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.SASLAuthBytes = bytes.Repeat([]byte("more"+Forged), 100)
		}},
		{Name: "drip of SASL", raw: func(b *Broker, c net.Conn, r request) bool {
			if r.key != kmsg.SASLAuthenticate {
				return false
			}
			_ = b.answer(r) // takes the password
			b.drip(c, r, 1<<10)
			return true
		}},
		{Name: "password in other letters", authenticate: func(b *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.ErrorCode, a.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr(encodings(b.lastPassword()))
		}},
		{Name: "password at the edge", N: 922, authenticate: func(b *Broker, a *kmsg.SASLAuthenticateResponse) {
			a.ErrorCode, a.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr(strings.Repeat("A", b.options.N-len(b.lastPassword()))+b.lastPassword()+strings.Repeat("A", 5_000))
		}},
		{Name: "another cluster each time", Acks: true, metadata: func(b *Broker, a *kmsg.MetadataResponse) {
			n := int32(b.Requests(kmsg.Metadata))
			a.ClusterID, a.ControllerID = kmsg.StringPtr(fmt.Sprint("evil", n, Forged)), -n
			a.Brokers[0].NodeID = n
			for i := range a.Topics {
				a.Topics[i].Partitions = []kmsg.MetadataResponseTopicPartition{shard(n, n)}
			}
		}},
		{Name: "brokers of no address", metadata: func(b *Broker, a *kmsg.MetadataResponse) {
			ports := []int32{-1, 0, 1 << 16, math.MaxInt32, math.MinInt32}
			hosts := []string{"", " ", "[", "::1%" + strings.Repeat("z", 30_000), "127.0.0.1:1", "\u202e\u200b\u3164", "..", "-e"}
			n := b.Requests(kmsg.Metadata)
			a.Brokers[0].Host, a.Brokers[0].Port = hosts[n%len(hosts)], ports[n%len(ports)]
		}},
		{Name: "leaders that are nobody", metadata: eachTopic(func(_ *Broker, t *kmsg.MetadataResponseTopic) {
			t.Partitions = []kmsg.MetadataResponseTopicPartition{shard(0, -1), shard(1, math.MaxInt32), shard(2, math.MinInt32)}
		})},
		{Name: "acknowledgements of others", produce: func(_ *Broker, a *kmsg.ProduceResponse) {
			a.Topics = []kmsg.ProduceResponseTopic{
				{Topic: "never-sent", Partitions: []kmsg.ProduceResponseTopicPartition{{}, {Partition: 7}}},
				{Topic: a.Topics[0].Topic, Partitions: []kmsg.ProduceResponseTopicPartition{{Partition: -1}, {Partition: math.MaxInt32}}},
			}
		}},
		{Name: "acknowledged twice", Acks: true, produce: func(_ *Broker, a *kmsg.ProduceResponse) {
			a.Topics = append(a.Topics, a.Topics...)
			for i := range a.Topics {
				a.Topics[i].Partitions = append(a.Topics[i].Partitions, a.Topics[i].Partitions...)
			}
		}},
		{Name: "throttle of acknowledgements", Acks: true, produce: func(_ *Broker, a *kmsg.ProduceResponse) { a.ThrottleMillis = math.MaxInt32 }},
		{Name: "errors without a number", produce: func(b *Broker, a *kmsg.ProduceResponse) {
			code := int16(math.MinInt16 + b.Requests(kmsg.Produce))
			for i := range a.Topics {
				for j := range a.Topics[i].Partitions {
					a.Topics[i].Partitions[j].ErrorCode, a.Topics[i].Partitions[j].ErrorMessage = code, kmsg.StringPtr("no"+Forged)
				}
			}
		}},
		{Name: "certificate of long names", certificate: longNames},
	}
}

// lengthOff sends answers after the login with a length that is not theirs.
func lengthOff(by int) func(*Broker, net.Conn, request) bool {
	return func(b *Broker, c net.Conn, r request) bool {
		if r.key != kmsg.Metadata && r.key != kmsg.Produce {
			return false
		}
		f := frame(r.correlation, b.answer(r))
		binary.BigEndian.PutUint32(f, uint32(len(f)-4+by))
		_, _ = c.Write(f)
		return true
	}
}

func (b *Broker) lastPassword() string {
	all := b.Passwords()
	return all[len(all)-1]
}

// encodings is a password in the letters of others: whoever reads the log reads them too.
func encodings(password string) string {
	_, secret, _ := strings.Cut(password, "#")
	texts := []string{hex.EncodeToString([]byte(password)), strings.ToUpper(hex.EncodeToString([]byte(secret))), url.QueryEscape(password), url.PathEscape(secret)}
	for _, prefix := range []string{"", "a", "ab"} {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			texts = append(texts, e.EncodeToString([]byte(prefix+password)), e.EncodeToString([]byte(prefix+secret)))
		}
	}
	return strings.Join(texts, " ")
}

// longNames is a certificate whose names fill a line of the log with what turns a line
// around, is not seen, or commands a terminal.
func longNames(*Broker) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for i := range 90 {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("n%d%s.example", i, strings.Repeat("\x1b[31m\r\n\x07", 10)))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
