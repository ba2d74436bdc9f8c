package plugin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/test/endpoint/sls"
)

// memoryHost is a host whose log is a slice.
type memoryHost struct {
	t     *testing.T
	mu    sync.Mutex
	lines []string
}

func (h *memoryHost) Print(level Level, line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t.Logf("%d %s", level, line)
	h.lines = append(h.lines, line)
}

func (h *memoryHost) Level() Level { return LevelInfo }

func (h *memoryHost) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}

// channelWaker is a waker for a goroutine.
type channelWaker chan struct{}

func (w channelWaker) Wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// startEndpoint starts a local endpoint and returns it with the properties of
// an output that reaches it.
func startEndpoint(t *testing.T, o sls.Options) (*sls.Endpoint, map[string]string) {
	t.Helper()
	e, err := sls.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return e, map[string]string{
		"project": "demo-project", "logstore": "demo", "endpoint": e.Addr(), "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret",
		"retry_backoff": "20ms", "retry_backoff_max": "100ms", "exit_timeout": "2s",
	}
}

func parse(t *testing.T, properties map[string]string) *Config {
	t.Helper()
	c, _, err := Parse(Source{func(k string) string { return properties[k] }, func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func startOutput(t *testing.T, properties map[string]string) (*Output, *memoryHost) {
	t.Helper()
	h := &memoryHost{t: t}
	log := NewLog(h, "test")
	o, err := New(parse(t, properties), Surroundings{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !o.Close() {
			t.Error("the output did not end")
		}
		log.Drain()
	})
	return o, h
}

// events is a chunk of n events {"seq": from+i, "log": text}.
func events(from, n int, text string) []byte {
	var b []byte
	for i := range n {
		b = msgp.AppendArrayHeader(b, 2)
		b = msgp.AppendArrayHeader(b, 2)
		b = append(b, 0xd7, 0x00, 0x4b, 0x3d, 0x3b, 0x00, 0, 0, 0, 0) // 2010-01-01
		b = msgp.AppendMapHeader(b, 0)
		b = msgp.AppendMapHeader(b, 2)
		b = msgp.AppendString(b, "seq")
		b = msgp.AppendInt(b, from+i)
		b = msgp.AppendString(b, "log")
		b = msgp.AppendString(b, text)
	}
	return b
}

// deliver gives the chunk to the output as Fluent Bit does and waits for its result.
func deliver(t *testing.T, o *Output, chunk []byte) Result {
	t.Helper()
	w := make(channelWaker, 1)
	c := o.Submit("test.tag", chunk, w, false)
	timeout := time.After(time.Minute)
	for {
		r := c.Advance(chunk)
		if r != Pending {
			return r
		}
		select {
		case <-w:
		case <-timeout:
			t.Fatal("no result in a minute")
		}
	}
}

// wantSequence checks that the logstore holds each of 0..n-1 once.
func wantSequence(t *testing.T, e *sls.Endpoint, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := e.WaitCount(ctx, "demo", n); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for _, l := range e.Logs("demo") {
		for _, f := range l.Fields() {
			if f.Key == "seq" {
				seen[f.Value]++
			}
		}
	}
	if len(seen) != n {
		t.Errorf("%d unique records landed, want %d", len(seen), n)
	}
	for i := range n {
		if k := seen[fmt.Sprint(i)]; k != 1 {
			t.Errorf("record %d landed %d times", i, k)
			break
		}
	}
}

func TestDelivery(t *testing.T) {
	e, properties := startEndpoint(t, sls.Options{})
	o, _ := startOutput(t, properties)
	for i := range 10 {
		if r := deliver(t, o, events(i*1000, 1000, "hello")); r != OK {
			t.Fatalf("chunk %d: result %d", i, r)
		}
	}
	wantSequence(t, e, 10000)
	if got := e.Logs("demo")[0].Time.UTC(); got != time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("record time %v", got)
	}
}
