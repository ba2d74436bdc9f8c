package sls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"out_sls_kafka/test/simnet"
)

// Who has not said who it is gets no room for a large request: eight connections took 800 MB.
func TestStrangersGetNoMemory(t *testing.T) {
	e := start(t, Options{})
	for n, refused := range map[uint32]bool{maxStrangerBytes: false, maxStrangerBytes + 1: true, 100 << 20: true} {
		c := dialRaw(t, e)
		if _, err := c.conn.Write(binary.BigEndian.AppendUint32(nil, n)); err != nil {
			t.Fatal(err)
		}
		if refused {
			c.closed("a request of megabytes before SASL")
			continue
		}
		if err := c.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil { // that nothing comes cannot be awaited
			t.Fatal(err)
		}
		_, err := c.conn.Read(make([]byte, 1))
		if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
			t.Errorf("a request of %d bytes: %v", n, err)
		}
	}
}

// A CA that is made for names is not trusted for others, whoever has its key.
func TestConstrainedCA(t *testing.T) {
	made, err := NewCA(DefaultHostnames()...)
	if err != nil {
		t.Fatal(err)
	}
	key, err := made.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := LoadCA(made.PEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	for name, trusted := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "demo-project.cn-hangzhou.log.aliyuncs.com": false, "127.0.0.2": false, "10.0.0.1": false} {
		now := time.Now()
		certificate, err := ca.Issue([]string{name}, now.Add(-time.Hour), now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(certificate.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if (err == nil) != trusted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nor may it hold a connection: neither before TLS, nor after, nor with the beginning of a request that it drips.
func TestStrangersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := simnet.New()
		e := start(t, Options{ListenFunc: network.Listen})
		for name, begin := range map[string]func(net.Conn) net.Conn{
			"nothing": func(c net.Conn) net.Conn { return c },
			"TLS alone": func(c net.Conn) net.Conn {
				settings := trust(t, e)
				settings.ServerName = "127.0.0.1"
				return tls.Client(c, settings)
			},
		} {
			raw, err := network.Dial(t.Context(), "tcp", e.Addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { raw.Close() })
			conn, began := begin(raw), time.Now()
			if secured, ok := conn.(*tls.Conn); ok {
				if _, err := secured.Write([]byte{0, 0, 0}); err != nil { // a request's length has four bytes
					t.Fatal(err)
				}
			}
			if err := conn.SetReadDeadline(began.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			_, err = conn.Read(make([]byte, 1))
			if took := time.Since(began); err == nil || took < strangerTimeout || took > strangerTimeout+time.Second {
				t.Errorf("%s: %v after %v, want the end after %v", name, err, took, strangerTimeout)
			}
		}
	})
}
