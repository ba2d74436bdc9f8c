package plugin

import (
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Certificates that must not be trusted. Each is replaced, and then what waited is
// stored.
func TestFaultCertificate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		test     string
		stranger bool // issued by another authority
		name     string
		until    time.Duration // from now
		says     string
	}{
		{"another name", false, "demo-project.cn-hangzhou.log.aliyuncs.com", time.Hour, "127.0.0.1"},
		{"expired", false, "127.0.0.1", -time.Hour, "expired"},
		{"unknown authority", true, "127.0.0.1", time.Hour, "unknown authority"},
	} {
		t.Run(row.test, bubbled(func(t *testing.T, network testNetwork) {
			ca := newCA(t)
			issuer := ca
			if row.stranger {
				issuer = newCA(t)
			}
			now := time.Now()
			certificate, err := issuer.Issue([]string{row.name}, now.Add(-2*time.Hour), now.Add(row.until))
			if err != nil {
				t.Fatal(err)
			}
			bad := network.start(t, sls.Options{CA: ca, Certificate: &certificate})
			o, h := network.startOutput(t, propertiesFor(t, bad.Addr(), ca.PEM()))
			l := &load{t: t, o: o}
			l.send(6, 500)
			line := []string{"TLS with 127.0.0.1", row.says, "certificate", "tls_ca_file", "tls_server_name", "retrying"}
			h.wait(line...)
			bad.Close()
			good, _ := network.startEndpoint(t, sls.Options{Listen: bad.Addr(), CA: ca})
			l.watch(good)
			l.wantStored(0, 0)
			wantRecovery(t, h, line...)
		}))
	}
}

// An endpoint that speaks no TLS: a wrong port. On the network of this machine, where
// the connection may be reset before the client has read the text.
func TestFaultNoTLS(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	address := network.freeAddress(t)
	serveText(t, address)
	properties := propertiesFor(t, address, newCA(t).PEM())
	properties["exit_timeout"] = "100ms"
	_, h := network.startOutput(t, properties)
	h.wait("what listens at "+address+" does not speak TLS", "tls: first record does not look like a TLS handshake")
}
