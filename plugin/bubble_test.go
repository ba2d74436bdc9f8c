package plugin

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/simnet"
	"out_sls_kafka/test/sls"
)

// testNetwork is where the endpoints of a test listen and where its outputs connect.
// The zero value is the network of this machine, with TCP.
type testNetwork struct {
	memory *simnet.Network // nil: TCP
}

// bubble runs a test in fake time ([synctest.Test]) on a network in memory: an hour
// that a test waits costs nothing. In the end no connection may be open, and no
// goroutine may be left. Fake time stands still while a goroutine waits for a lock, a
// file or a socket, and moves only when nobody computes. So these stay in real time:
// tests of sockets, name servers and files that hang, and tests that need goroutines
// to meet by chance. zstd must not be used: finalizers of the Kafka client use channels
// that belong to a bubble which is over.
func bubble(t *testing.T, test func(t *testing.T, network testNetwork)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		memory := simnet.New()
		t.Cleanup(func() { // after those of the test, which close its outputs and endpoints
			time.Sleep(time.Second) // goroutines that were not waited for close theirs
			if n := memory.Open(); n > 0 {
				t.Errorf("%d ends of connections were left open", n)
			}
		})
		test(t, testNetwork{memory})
	})
}

// bubbled is a parallel subtest in a bubble.
func bubbled(test func(t *testing.T, network testNetwork)) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		bubble(t, test)
	}
}

// start starts a local endpoint.
func (n testNetwork) start(t *testing.T, o sls.Options) *sls.Endpoint {
	t.Helper()
	if n.memory != nil {
		o.ListenFunc = n.memory.Listen
	}
	e, err := sls.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// startEndpoint starts a local endpoint and returns it with the properties of
// an output that reaches it.
func (n testNetwork) startEndpoint(t *testing.T, o sls.Options) (*sls.Endpoint, map[string]string) {
	t.Helper()
	e := n.start(t, o)
	return e, propertiesFor(t, e.Addr(), e.CAPEM())
}

// freeAddress is an address where nothing listens, for an endpoint to come.
func (n testNetwork) freeAddress(t *testing.T) string {
	t.Helper()
	listen := net.Listen
	if n.memory != nil {
		listen = n.memory.Listen
	}
	l, err := listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// parse is the configuration of an output that connects on this network.
func (n testNetwork) parse(t *testing.T, properties map[string]string) *config.Config {
	t.Helper()
	c, _, err := config.Parse(config.Source{Property: func(k string) string { return properties[k] }, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if n.memory != nil {
		c.Dial = n.memory.Dial
	}
	return c
}

// startOutput starts an output whose log lines are drained all the time, as
// the flushes of a busy Fluent Bit do. No line may show a secret.
func (n testNetwork) startOutput(t *testing.T, properties map[string]string) (*Output, *memoryLogger) {
	t.Helper()
	return startConfig(t, n.parse(t, properties))
}
