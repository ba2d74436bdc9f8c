package plugin

import (
	"context"
	"net"
	"strings"
	"testing"

	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/test/hostile"
	"out_sls_kafka/test/sls"
)

// startBetween starts an output at an endpoint that names another broker. Both have
// certificates of their own names, in different domains.
func startBetween(t *testing.T, pairs ...string) (other *hostile.Broker, o *Output, h *memoryLogger) {
	t.Helper()
	ca, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	start := func(options hostile.Options) *hostile.Broker {
		options.CA = ca
		b, err := hostile.Start(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	named := func(b *hostile.Broker, host string) string { return strings.Replace(b.Addr(), "127.0.0.1", host, 1) }
	other = start(hostile.Options{Mode: hostile.Find("harmless"), Names: []string{"kafka.example.org"}})
	endpoint := start(hostile.Options{Mode: hostile.Another(), Other: named(other, "kafka.example.org"), Names: []string{"kafka.example.com"}})
	properties := propertiesFor(t, named(endpoint, "kafka.example.com"), ca.PEM())
	properties["exit_timeout"] = "100ms"
	for i := 0; i < len(pairs); i += 2 {
		properties[pairs[i]] = pairs[i+1]
	}
	cfg := testNetwork{}.parse(t, properties)
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) { // all names are here
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	o, h = startConfig(t, cfg)
	return other, o, h
}

// A broker that broker_hosts does not name gets neither a connection nor the AccessKey.
func TestBrokerHosts(t *testing.T) {
	t.Parallel()
	other, o, h := startBetween(t, "broker_hosts", "*.example.com")
	w := make(channelWaker, 1)
	chunk := events(0, 10, "a line")
	if c := o.Submit("test", chunk, w, false); c.Advance(chunk) != Pending {
		t.Error("a result at once")
	}
	h.wait("no connection is made to a broker that kafka.example.com:", "kafka.example.org: not one of broker_hosts)", "retrying")
	if n := other.Encounters(); n > 0 {
		t.Errorf("it was met %d times", n)
	}
	if n := o.stats.failures[failure.ForeignBroker].Load(); n == 0 {
		t.Error("nothing is counted")
	}
}

// One that it names gets the records. So does any broker without it, with a warning and a
// count where it is outside of the endpoint's domain.
func TestBrokerOfAnotherDomain(t *testing.T) {
	t.Parallel()
	for hosts, warned := range map[string]int{"": 1, "*.example.org": 0, "kafka.example.org": 0} {
		other, o, h := startBetween(t, "broker_hosts", hosts)
		if r := deliver(t, o, events(0, 10, "a line")); r != OK || len(other.Passwords()) == 0 {
			t.Errorf("broker_hosts %q: result %v, %d passwords", hosts, r, len(other.Passwords()))
		}
		if warned > 0 {
			h.wait("broker kafka.example.org", "is outside of its domain", "broker_hosts")
		}
		if n := h.count("is outside of its domain"); n != warned || (o.stats.failures[failure.ForeignBroker].Load() > 0) != (warned > 0) {
			t.Errorf("broker_hosts %q: %d warnings, %d counted", hosts, n, o.stats.failures[failure.ForeignBroker].Load())
		}
	}
}
