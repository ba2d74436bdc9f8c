package connect

import (
	"context"
	"crypto/tls"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/test/sls"
)

func parse(t *testing.T, properties map[string]string) *config.Config {
	t.Helper()
	c, _, err := config.Parse(config.Source{
		Property: func(key string) string { return properties[key] },
		Getenv:   func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// startEndpoint starts a local endpoint and returns a configuration that
// reaches it, with the options given.
func startEndpoint(t *testing.T, given map[string]string) (*sls.Endpoint, *config.Config) {
	t.Helper()
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	properties := map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": e.Addr(), "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret"}
	maps.Copy(properties, given)
	return e, parse(t, properties)
}

func TestResolveHonoursFamily(t *testing.T) {
	for network, want := range map[string]string{"tcp": "", "tcp4": "127.0.0.1", "tcp6": "::1"} {
		c := &config.Config{DialNetwork: network}
		for _, host := range []string{"127.0.0.1", "::1"} {
			got, err := Resolve(context.Background(), c, host)
			if fits := want == "" || want == host; fits != (err == nil) || fits && got[0].String() != host {
				t.Errorf("%s: %s resolves to %v, %v", network, host, got, err)
			}
		}
	}
}

// The options produce on a broker like SLS, which has no idempotence.
func TestProbeOptionsProduce(t *testing.T) {
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, acks := range []string{"1", "all"} {
			e, c := startEndpoint(t, map[string]string{"compression": compression, "required_acks": acks})
			opts, err := ProbeOptions(c)
			if err != nil {
				t.Fatal(err)
			}
			client, err := kgo.NewClient(opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := &kgo.Record{Topic: c.Topic(c.Logstore), Value: []byte(`{"a":"b"}`)}
			if err := client.ProduceSync(ctx, r).FirstErr(); err != nil || e.Count("demo") != 1 {
				t.Errorf("compression %s, acks %s: %v, %d landed", compression, acks, err, e.Count("demo"))
			}
		}
	}
}

// The client puts its own acks into every produce request, so required_acks has to
// be an option of it.
func TestRequiredAcks(t *testing.T) {
	for value, want := range map[string]kgo.Acks{"1": kgo.LeaderAck(), "all": kgo.AllISRAcks()} {
		opts, err := Options(parse(t, map[string]string{"project": "my-project", "logstore": "my-logstore", "region": "cn-hangzhou",
			"access_key_id": "id", "access_key_secret": "secret", "required_acks": value}))
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		if got := client.OptValue(kgo.RequiredAcks); got != want {
			t.Errorf("required_acks %s: the client sends %v, want %v", value, got, want)
		}
		client.Close()
	}
}

// The client has the options, read back from it.
func TestClientOptions(t *testing.T) {
	opts, err := Options(parse(t, map[string]string{"project": "my-project", "logstore": "my-logstore", "region": "cn-hangzhou",
		"access_key_id": "id", "access_key_secret": "secret", "kafka_version": "2.1.0"}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, tt := range map[string]struct{ got, want any }{
		"idempotence off": {client.OptValue(kgo.DisableIdempotentWrite), true},
		"metrics off":     {client.OptValue(kgo.DisableClientMetrics), true},
		"no topics made":  {client.OptValue(kgo.AllowAutoTopicCreation), false},
		"no older batch":  {client.OptValue(kgo.MinVersions).(*kversion.Versions).Equal(kversion.V0_11_0()), true},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
}

// A certificate that is renewed takes effect at the next connection, and a file that
// cannot be used is named.
func TestTLSFilesAreReadForEachConnection(t *testing.T) {
	e, _ := startEndpoint(t, nil)
	other, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write := func(pem []byte) {
		if err := os.WriteFile(ca, pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(other.PEM())
	c := parse(t, map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": e.Addr(), "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret"})
	if _, err := TLS(t.Context(), c, e.Addr()); failure.Of(err).Kind != failure.TLS {
		t.Errorf("with another CA: %v", err)
	}
	write(e.CAPEM())
	conn, err := TLS(t.Context(), c, e.Addr())
	if err != nil {
		t.Fatalf("with the right CA: %v", err)
	}
	_ = conn.Close()
	write([]byte("not a certificate"))
	_, err = TLS(t.Context(), c, e.Addr())
	if failure.Of(err).Kind != failure.File || !strings.Contains(c.Advice("demo", err), "tls_ca_file "+ca+": no certificate in it: no new connection until it is put right; retrying") {
		t.Errorf("with no certificate in the file: %s", c.Advice("demo", err))
	}
}

// TestOldTLS: what is older than TLS 1.2 is refused, although the server would speak it.
func TestOldTLS(t *testing.T) {
	t.Parallel()
	ca, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := ca.Issue([]string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for version, taken := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true} {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			if conn, err := l.Accept(); err == nil {
				_ = conn.(*tls.Conn).Handshake()
			}
		}()
		c := parse(t, map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": l.Addr().String(), "tls_ca_file": file,
			"access_key_id": "demo-id", "access_key_secret": "demo-secret"})
		conn, err := TLS(t.Context(), c, l.Addr().String())
		switch {
		case err == nil:
			_ = conn.Close()
			if !taken {
				t.Errorf("%s: it is spoken", tls.VersionName(version))
			}
		case taken || !strings.Contains(err.Error(), "protocol version"):
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}
