package probe

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/sls"
)

// hostile answers each request of a connection as it likes; nil ends the connection.
type hostile func(request []byte) (answer []byte)

func (h hostile) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		request := make([]byte, binary.BigEndian.Uint32(size[:])&0xffffff)
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		answer := h(request)
		if answer == nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

func frame(request, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	return append(append(b, request[4:8]...), body...)
}

// loggedIn lets SASL pass and leaves all else to h.
func loggedIn(h func(key int16, request []byte) []byte) hostile {
	return func(request []byte) []byte {
		switch key := int16(binary.BigEndian.Uint16(request)); kmsg.Key(key) {
		case kmsg.SASLHandshake:
			return frame(request, (&kmsg.SASLHandshakeResponse{Version: 1, SupportedMechanisms: []string{"PLAIN"}}).AppendTo(nil))
		case kmsg.SASLAuthenticate:
			return frame(request, (&kmsg.SASLAuthenticateResponse{SASLAuthBytes: []byte{}}).AppendTo(nil))
		default:
			return h(key, request)
		}
	}
}

// A probe of what is not SLS, and means no good, ends with an error or a report: it does not hang, crash or grow.
func TestHostile(t *testing.T) {
	noise := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b) // never fails
		return b
	}
	many := func(n int) []byte { // arrays that announce more than they hold
		return binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(n))
	}
	for name, h := range map[string]hostile{
		"closes":                 func([]byte) []byte { return nil },
		"noise":                  func([]byte) []byte { return noise(100) },
		"four gigabytes":         func([]byte) []byte { return []byte{0xff, 0xff, 0xff, 0xff, 0} },
		"another correlation":    func(r []byte) []byte { return frame([]byte("12345678"), nil) },
		"empty answers":          func(r []byte) []byte { return frame(r, nil) },
		"noise as answers":       loggedIn(func(_ int16, r []byte) []byte { return frame(r, noise(1000)) }),
		"a billion versions":     loggedIn(func(_ int16, r []byte) []byte { return frame(r, many(1<<30)) }),
		"negative lengths":       loggedIn(func(_ int16, r []byte) []byte { return frame(r, many(-5)) }),
		"a megabyte of zeros":    loggedIn(func(_ int16, r []byte) []byte { return frame(r, make([]byte, 1<<20-4)) }),
		"closed after the login": loggedIn(func(int16, []byte) []byte { return nil }),
		"topics without names": loggedIn(func(key int16, r []byte) []byte {
			if kmsg.Key(key) == kmsg.Metadata {
				return frame(r, (&kmsg.MetadataResponse{Topics: make([]kmsg.MetadataResponseTopic, 2)}).AppendTo(nil))
			}
			return frame(r, (&kmsg.ApiVersionsResponse{ApiKeys: []kmsg.ApiVersionsResponseApiKey{{ApiKey: 3, MaxVersion: 13}, {ApiKey: 0, MaxVersion: 32767}}}).AppendTo(nil))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := targetOfHostile(t, h)
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if r, err := Run(ctx, target); err == nil {
				t.Errorf("a report: %+v", r)
			} else if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "demo") {
				t.Errorf("the error names what it must not: %v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func targetOfHostile(t *testing.T, h hostile) Target {
	t.Helper()
	ca, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := ca.Issue([]string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go h.serve(conn)
		}
	}()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	properties := map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": l.Addr().String(), "tls_ca_file": file,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret", "request_timeout": "2s"}
	c, _, err := config.Parse(config.Source{Property: func(key string) string { return properties[key] }, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return Target{Config: c, Group: "g", Sizes: true, Load: true, Wait: 5 * time.Second, Now: time.Now}
}

// A service that refuses every write for its quota does not make the probe wait for each.
func TestAlwaysOverQuota(t *testing.T) {
	target := targetOf(t, start(t, sls.Options{OverQuota: []int32{0, 1}}))
	target.Group = ""
	began := time.Now()
	r := run(t, target)
	if row := rowOf(t, r, "text"); row.Outcome != "refused: THROTTLING_QUOTA_EXCEEDED" {
		t.Errorf("%+v", row)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// What a consumer gets may be anything.
func FuzzFields(f *testing.F) {
	for _, value := range []string{"", "{", `{"a":1}`, `{"probe":"m","__source__":"1.2.3.4"}`, `{"a":{"b":[1,{"c":null}]}}`, "[1]", "\xff", `{"a":"` + strings.Repeat("x", 100) + `"}`} {
		f.Add([]byte("content"), []byte(value))
		f.Add([]byte(nil), []byte(value))
	}
	p := &prober{mark: "m"}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		text := p.fields([]landed{{key: key, value: value}})
		if len(text) > 8*(4*longestShown+20)*4 || strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%q", text)
		}
		landed{key: key, value: value}.holds("m")
	})
}
