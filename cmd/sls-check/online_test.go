package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/sls"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// onlineCase is a way to the logstore and what sls-check says of each step of it.
type onlineCase struct {
	name      string
	options   sls.Options
	change    map[string]string // of the output's options
	arguments []string
	want      []string // the beginning of a step's line and what else is in it, in this order
	fails     bool
	landed    int
}

var onlineCases = []onlineCase{
	{name: "all is well", want: []string{
		"One test record will be written to demo.json; -write=false", "DNS ok 127.0.0.1 is an address", "TCP ok connected to 127.0.0.1:",
		"TLS ok TLS 1.3, certificate for localhost, 127.0.0.1, ::1, verified by local SLS endpoint CA, valid until", "SASL ok PLAIN, user demo-project",
		"topic ok demo.json exists, 3 partitions", "write ok one test record to partition",
	}, landed: 1, options: sls.Options{Shards: 3}},
	{name: "by name, as text", change: map[string]string{"endpoint": "localhost:PORT", "parse_json": "off", "message_key": "k", "ip_family": "v4"}, want: []string{
		"DNS ok localhost is 127.0.0.1", "topic ok demo exists", "write ok",
	}, landed: 1},
	{name: "without writing", arguments: []string{"-write=false"}, want: []string{"topic ok"}},
	{name: "wrong secret", change: map[string]string{"access_key_secret": "not-to-be-shown"}, want: []string{
		"SASL ok", "topic failed the AccessKey is refused (TOPIC_AUTHORIZATION_FAILED", "lacks log:PostLogStoreLogs",
	}, fails: true},
	{name: "wrong secret, refused at once", options: sls.Options{RefuseSASL: true}, change: map[string]string{"access_key_secret": "not-to-be-shown"}, want: []string{
		"TLS ok", "SASL failed the AccessKey is refused (SASL_AUTHENTICATION_FAILED",
	}, fails: true},
	{name: "missing logstore", change: map[string]string{"logstore": "none"}, want: []string{
		"SASL ok", "topic failed project demo-project or logstore none does not exist",
	}, fails: true},
	{name: "logstores of metrics and traces", options: sls.Options{Logstores: []string{"demo", "m-store", "t-store"}}, change: map[string]string{"logstore_metrics": "m-store", "logstore_traces": "t-store"}, want: []string{
		"topic ok demo.json exists", "topic ok m-store.json exists", "topic ok t-store.json exists", "write ok",
	}, landed: 1},
	{name: "a missing logstore of traces", options: sls.Options{Logstores: []string{"demo"}}, change: map[string]string{"logstore_metrics": "demo", "logstore_traces": "t-store"}, want: []string{
		"topic ok demo.json exists", "topic failed project demo-project or logstore t-store does not exist", "write ok",
	}, fails: true, landed: 1},
	{name: "closed port", change: map[string]string{"endpoint": "127.0.0.1:CLOSED"}, want: []string{
		"DNS ok", "TCP failed", "connection refused", "do: check that the endpoint listens on port CLOSED", "SASL - not tried",
	}, fails: true},
	{name: "unresolvable host", change: map[string]string{"endpoint": "nowhere.invalid:10012", "dial_timeout": "2s"}, want: []string{
		"DNS failed lookup nowhere.invalid", "do: check project and region", "SASL - not tried",
	}, fails: true},
	{name: "untrusted certificate", change: map[string]string{"tls_ca_file": "OTHER"}, want: []string{
		"TCP ok", "TLS failed", "signed by unknown authority", "tls_ca_file (OTHER)", "do: the endpoint showed a certificate for localhost, 127.0.0.1, ::1, issued by local SLS endpoint CA",
		"set tls_ca_file to the authority", "SASL - not tried",
	}, fails: true},
	{name: "untrusted certificate, not verified", change: map[string]string{"tls_ca_file": "OTHER", "tls_verify": "off"}, arguments: []string{"-insecure"}, want: []string{
		"The AccessKey will be sent to 127.0.0.1:PORT, whose certificate nobody verifies", "TLS ok", "not verified, for tls_verify is off", "write ok",
	}, landed: 1},
	{name: "wrong name", options: sls.Options{Hostnames: []string{"a.example"}}, want: []string{
		"TLS failed", "do: the endpoint showed a certificate for a.example", "set tls_server_name",
	}, fails: true},
	{name: "wrong name, allowed", options: sls.Options{Hostnames: []string{"a.example"}}, change: map[string]string{"tls_server_name": "a.example"}, want: []string{
		"TLS ok", "certificate for a.example", "write ok",
	}, landed: 1},
	{name: "one of two endpoints is away", change: map[string]string{"endpoint": "127.0.0.1:CLOSED,127.0.0.1:PORT"}, want: []string{
		"endpoint 127.0.0.1:CLOSED", "TCP failed", "endpoint 127.0.0.1:PORT", "TLS ok", "SASL ok", "topic ok", "write ok",
	}, fails: true, landed: 1},
	{name: "too large for the broker", options: sls.Options{MaxMessageBytes: 50}, want: []string{
		"topic ok", "write failed logstore demo: a batch is larger than the broker accepts (MESSAGE_TOO_LARGE",
	}, fails: true},
	{name: "the service has an error", options: sls.Options{Faults: []sls.Fault{{Name: "KAFKA_STORAGE_ERROR"}}}, want: []string{
		"topic ok", "write failed logstore demo: the service had an error (KAFKA_STORAGE_ERROR",
	}, fails: true},
	{name: "connections are cut", options: sls.Options{Faults: []sls.Fault{{Name: "CONNECTION_CUT"}}}, change: map[string]string{"dial_timeout": "1s", "request_timeout": "1s"}, want: []string{
		"TLS ok", "SASL failed cannot reach 127.0.0.1:PORT",
	}, fails: true},
	{name: "no answers", options: sls.Options{Faults: []sls.Fault{{Name: "ACK_DELAY", Delay: time.Hour}}}, change: map[string]string{"dial_timeout": "500ms", "request_timeout": "500ms"}, want: []string{
		"topic ok", "write failed no acknowledgement from 127.0.0.1:PORT",
	}, fails: true, landed: 1},
	{name: "options must be right first", change: map[string]string{"compression": "brotli"}, want: []string{"not tried online: its options must be right first"}, fails: true},
}

func TestOnline(t *testing.T) {
	for _, c := range onlineCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := sls.Start(c.options)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			file, places := outputOf(t, e, c.change)
			report, status := diagnose(t, append([]string{"-c", file, "-online"}, c.arguments...)...)
			if want := map[bool]int{true: statusErrors}[c.fails]; status != want {
				t.Errorf("status %d, want %d", status, want)
			}
			rest := strings.Join(strings.Fields(report), " ")
			for _, want := range c.want {
				_, after, found := strings.Cut(rest, places.Replace(want))
				if !found {
					t.Fatalf("no %q at its place in\n%s", places.Replace(want), report)
				}
				rest = after
			}
			if n := e.Count("demo"); n != c.landed {
				t.Errorf("%d records landed, want %d", n, c.landed)
			}
			for _, l := range e.Logs("demo") {
				if !strings.Contains(string(l.Value), "test record of sls-check") {
					t.Errorf("the record does not say what it is: %v", l)
				}
			}
		})
	}
}

// broker is what an output reaches: the endpoint, or one that means harm.
type broker interface {
	Addr() string
	CAPEM() []byte
}

// outputOf writes a configuration with an output to the endpoint. PORT, CLOSED and OTHER stand for the endpoint's port,
// one on which nothing listens, and the certificate of another authority.
func outputOf(t *testing.T, e broker, change map[string]string) (file string, places *strings.Replacer) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(e.Addr())
	if err != nil {
		t.Fatal(err)
	}
	places = strings.NewReplacer("PORT", port, "CLOSED", closedPort(t), "OTHER", write("other.pem", other.PEM()))
	options := map[string]string{
		"Name": "sls_kafka", "Match": "*", "project": "demo-project", "logstore": "demo", "endpoint": e.Addr(), "tls_ca_file": write("ca.pem", e.CAPEM()),
		"access_key_id": "demo-id", "access_key_secret": "demo-secret", "Retry_Limit": "no_limits",
	}
	for key, value := range change {
		options[key] = places.Replace(value)
	}
	text := "[OUTPUT]\n"
	for key, value := range options {
		text += "    " + key + " " + value + "\n"
	}
	return write("fluent-bit.conf", []byte(text)), places
}

// closedPort is a port on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// A certificate that ended, and one that ends soon.
func TestOnlineExpiry(t *testing.T) {
	now := time.Now()
	for want, end := range map[string]time.Time{
		"its owner must renew it; or this machine's clock is wrong": now.Add(-time.Hour),
		"TLS warning the certificate ends in 3 days":                now.Add(3*24*time.Hour + time.Hour),
	} {
		ca, err := sls.NewCA()
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := ca.Issue([]string{"127.0.0.1"}, now.Add(-48*time.Hour), end)
		if err != nil {
			t.Fatal(err)
		}
		e, err := sls.Start(sls.Options{CA: ca, Certificate: &certificate})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		file, _ := outputOf(t, e, nil)
		report, _ := diagnose(t, "-c", file, "-online")
		if !strings.Contains(strings.Join(strings.Fields(report), " "), want) {
			t.Errorf("want %q in\n%s", want, report)
		}
	}
}

// A port that does not speak TLS, and one that says nothing.
func TestOnlineNoTLS(t *testing.T) {
	for answer, want := range map[string]string{"HTTP/1.1 400 Bad Request\r\n\r\n": "first record does not look like a TLS handshake", "": "does not answer within dial_timeout"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = conn.Write([]byte(answer)) // the other side may be gone
			}
		}()
		e, err := sls.Start(sls.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		file, _ := outputOf(t, e, map[string]string{"endpoint": l.Addr().String(), "dial_timeout": "500ms"})
		report, status := diagnose(t, "-c", file, "-online")
		if status != statusErrors || !strings.Contains(report, want) || !strings.Contains(report, "the port is the one that speaks TLS") {
			t.Errorf("status %d, want %q in\n%s", status, want, report)
		}
	}
}

// TestOnlineBrokersOutside: brokers of another domain than the endpoint's get the AccessKey,
// and are named, but not all of a thousand.
func TestOnlineBrokersOutside(t *testing.T) {
	t.Parallel()
	named := func(hosts ...string) string {
		cfg, _, err := config.Parse(config.Source{
			Property: func(key string) string {
				return map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": "kafka.example.com:10012", "access_key_id": "demo-id", "access_key_secret": "demo-secret"}[key]
			},
			Getenv: func(string) string { return "" },
		})
		if err != nil {
			t.Fatal(err)
		}
		var report strings.Builder
		w := &walk{out: &report, cfg: cfg}
		brokers := make([]kmsg.MetadataResponseBroker, len(hosts))
		for i, host := range hosts {
			brokers[i].Host = host
		}
		w.checkBrokers(brokers)
		return report.String()
	}
	if report := named("kafka.example.com", "b1.example.com"); report != "" {
		t.Errorf("brokers of the endpoint's domain: %s", report)
	}
	report := named("kafka.example.com", "b1.example.org", "b2\x1b.example.org")
	for _, want := range []string{"warning", "outside of its domain", "b1.example.org", `b2\x1b.example.org`, "broker_hosts"} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in %q", want, report)
		}
	}
	if strings.Contains(report, "kafka.example.com") {
		t.Errorf("the endpoint itself is named: %s", report)
	}
	if report := named(slices.Repeat([]string{"b.example.org"}, 1000)...); strings.Count(report, "b.example.org") != 5 {
		t.Errorf("a thousand brokers: %.1000s", report)
	}
}
