package plugin

import (
	"crypto/tls"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Certificates that must not be trusted. Each is replaced, and then what waited is
// stored.
func TestFaultCertificate(t *testing.T) {
	t.Parallel()
	ca, stranger := newCA(t), newCA(t)
	issue := func(by *sls.CA, name string, from, to time.Duration) *tls.Certificate {
		now := time.Now()
		c, err := by.Issue([]string{name}, now.Add(from), now.Add(to))
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	for _, row := range []struct {
		name        string
		certificate *tls.Certificate
		says        string
	}{
		{"another name", issue(ca, "demo-project.cn-hangzhou.log.aliyuncs.com", -time.Hour, time.Hour), "127.0.0.1"},
		{"expired", issue(ca, "127.0.0.1", -2*time.Hour, -time.Hour), "expired"},
		{"unknown authority", issue(stranger, "127.0.0.1", -time.Hour, time.Hour), "unknown authority"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bad, err := sls.Start(sls.Options{CA: ca, Certificate: row.certificate})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(bad.Close)
			o, h := startOutput(t, propertiesFor(t, bad.Addr(), ca.PEM()))
			l := &load{t: t, o: o}
			l.send(6, 500)
			line := []string{"TLS with 127.0.0.1", row.says, "certificate", "tls_ca_file", "tls_server_name", "retrying"}
			h.wait(line...)
			bad.Close()
			good, _ := startEndpoint(t, sls.Options{Listen: bad.Addr(), CA: ca})
			l.watch(good)
			l.wantStored(0, 0)
			wantRecovery(t, o, h, line...)
		})
	}
}

// An endpoint that speaks no TLS: a wrong port.
func TestFaultNoTLS(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	serveText(t, address)
	properties := propertiesFor(t, address, newCA(t).PEM())
	properties["exit_timeout"] = "100ms"
	_, h := startOutput(t, properties)
	h.wait("what listens at "+address+" does not speak TLS", "tls: first record does not look like a TLS handshake")
}
