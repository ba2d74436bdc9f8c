package plugin

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/plugin/config"
)

// testTimeout is how long a test waits for what must come.
const testTimeout = 2 * time.Minute

// TestMain lets many tests run at once: those in real time wait more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// eventually waits until ok, which is asked every few milliseconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(testTimeout); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", testTimeout, what)
		}
	}
}

// memoryLogger keeps the lines in a slice.
type memoryLogger struct {
	t     *testing.T
	mu    sync.Mutex
	lines []string
}

func (h *memoryLogger) Print(level Level, line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t.Logf("%d %s", level, line)
	h.lines = append(h.lines, line)
}

func (h *memoryLogger) Level() Level { return LevelInfo }

func (h *memoryLogger) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}

// count is how many lines hold all of the words.
func (h *memoryLogger) count(words ...string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
next:
	for _, line := range h.lines {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		n++
	}
	return n
}

func (h *memoryLogger) wait(words ...string) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("a log line with %q", words), func() bool { return h.count(words...) > 0 })
}

// channelWaker is a waker for a goroutine.
type channelWaker chan struct{}

func (w channelWaker) Wake(Result) {
	select {
	case w <- struct{}{}:
	default:
	}
}

func propertiesFor(t *testing.T, address string, caPEM []byte) map[string]string {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, caPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"project": "demo-project", "logstore": "demo", "endpoint": address, "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret",
		"retry_backoff": "20ms", "retry_backoff_max": "100ms", "exit_timeout": "2s",
	}
}

// with are the properties of an output that reaches nothing, and some more.
func with(pairs ...string) map[string]string {
	properties := map[string]string{"project": "demo-project", "logstore": "demo", "region": "cn-hangzhou",
		"access_key_id": "demo-id", "access_key_secret": "demo-secret"}
	for i := 0; i < len(pairs); i += 2 {
		properties[pairs[i]] = pairs[i+1]
	}
	return properties
}

// startConfig is startOutput with a configuration. The log is drained in place of what
// the output sets for that: it would wake a chunk for each line, also one that the
// output has forgotten.
func startConfig(t *testing.T, cfg *config.Config) (*Output, *memoryLogger) {
	t.Helper()
	return startIn(t, cfg, Env{})
}

// startIn is startConfig in a certain environment.
func startIn(t *testing.T, cfg *config.Config, env Env) (*Output, *memoryLogger) {
	t.Helper()
	h := &memoryLogger{t: t}
	log := NewLog(h, "test")
	env.Log = log
	o, err := New(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	pending, quit, drained := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	pending <- struct{}{} // New may have logged
	log.OnPending(func() {
		select {
		case pending <- struct{}{}:
		default:
		}
	})
	go func() {
		defer close(drained)
		for {
			select {
			case <-quit:
				return
			case <-pending:
				log.Drain()
			}
		}
	}()
	t.Cleanup(func() {
		if !o.Close() {
			t.Error("the output did not end")
		}
		close(quit)
		<-drained
		log.Drain()
		if n := h.count("-secret") + h.count("internal error"); n > 0 {
			t.Errorf("%d log lines show a secret or an internal error", n)
		}
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
	r := await(o.Submit("test.tag", chunk, w, false), w, chunk)
	if r == Pending {
		t.Errorf("no result in %v", testTimeout)
	}
	return r
}

// await advances a chunk until it has a result.
func await(c *Chunk, w channelWaker, chunk []byte) Result {
	timeout := time.After(testTimeout)
	for {
		if r := c.Advance(chunk); r != Pending {
			return r
		}
		select {
		case <-w:
		case <-timeout:
			return Pending
		}
	}
}
