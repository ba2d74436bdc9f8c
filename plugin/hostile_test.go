package plugin

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"out_sls_kafka/plugin/display"
	"out_sls_kafka/test/hostile"
)

// startHostile starts an output at a hostile broker, which it reaches by a name: a
// certificate for others gives another error for an address.
func startHostile(t *testing.T, m hostile.Mode) (*hostile.Broker, *Output, *memoryLogger) {
	t.Helper()
	b, err := hostile.Start(hostile.Options{Mode: m, N: m.N})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	properties := propertiesFor(t, strings.Replace(b.Addr(), "127.0.0.1", "localhost", 1), b.CAPEM())
	properties["kafka_version"] = "latest" // errors of single records are new
	properties["exit_timeout"] = "100ms"
	o, h := testNetwork{}.startOutput(t, properties)
	return b, o, h
}

// wantPlain checks that each line of the log is one, and fits Fluent Bit's own.
func wantPlain(t *testing.T, h *memoryLogger) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		if len(line) > display.MaxLine || strings.ContainsFunc(line, func(r rune) bool { return !strconv.IsPrint(r) }) || hostile.Reveals(line, "demo-secret") {
			t.Errorf("a line of %d bytes: %.200q", len(line), line)
		}
	}
}

// Whoever answers, with a certificate of nobody or with one that is trusted, writes no
// line of the log, and the one about it still says what happens next.
func TestForgedTexts(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string][]string{
		"certificate names":               {"TLS with", `a.example\n[2026/11/26`, `FORGED\x1b[2J`, "retrying"},
		"mechanism":                       {"UNSUPPORTED_SASL_MECHANISM", "retrying"},
		"refusal":                         {"the AccessKey is refused", `no\n[2026`, "retrying"},
		"long refusal":                    {"AAAA [29", "bytes more]", "lacks log:PostLogStoreLogs", "retrying"},
		"refusal with the password":       {"the AccessKey is refused", "***", "retrying"},
		"host name":                       {`evil\n[2026`, "retrying"},
		"topic names":                     {"retrying"},
		"topic names of acknowledgements": {"retrying"},
		"refused records":                 {"INVALID_RECORD"},
		"password in other letters":       {"the AccessKey is refused", "***", "retrying"},
		"password at the edge":            {"the AccessKey is refused", "bytes more]", "retrying"},
		"certificate of long names":       {"TLS with", `\x1b[31m\r\n\a`, "bytes more]", "retrying"},
		"brokers of no address":           {"cannot reach", "retrying"},
		"errors without a number":         {"retrying"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			_, o, h := startHostile(t, hostile.Find(mode))
			w := make(channelWaker, 1)
			chunk := events(0, 10, "a line")
			if c := o.Submit("a\n[error] forged\x1b[2J", chunk, w, false); c.Advance(chunk) == OK {
				t.Error("OK at once")
			}
			h.wait(want...)
			wantPlain(t, h)
		})
	}
}

// So do names in records, and a tag that would leave no room for the reason.
func TestForgedTag(t *testing.T) {
	t.Parallel()
	h := &memoryLogger{t: t}
	l := NewLog(h, "test")
	o := &Output{cfg: testNetwork{}.parse(t, with()), log: l}
	o.health.out = o
	for i, tag := range []string{"a\n[error] forged\x1b[2J", strings.Repeat("\x1b", 1<<20)} {
		o.health.rejectLogged = nil
		o.health.logRejected(tag, &rejects{reason: fmt.Sprint("reason ", i), records: 1}, "; kept")
	}
	l.Drain()
	if h.count("reason 0; kept", `a\n[error] forged\x1b`) != 1 || h.count("reason 1; kept", "bytes more]") != 1 {
		t.Errorf("log:\n%s", h.text())
	}
	wantPlain(t, h)
}

// A panic is the one line that is several, and its cause is not.
func TestPanickedLine(t *testing.T) {
	t.Parallel()
	h := &memoryLogger{t: t}
	l := NewLog(h, "test")
	o := &Output{log: l}
	func() {
		defer o.recoverPanic(nil)
		panic("cause" + hostile.Forged)
	}()
	l.Drain()
	lines := strings.Split(h.text(), "\n")
	if !strings.HasPrefix(lines[0], `[output:test] internal error, please report it: cause\n[2026`) || h.count("recoverPanic") != 1 {
		t.Errorf("log:\n%s", h.text())
	}
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, "[") {
			t.Errorf("forged: %q", line)
		}
	}
}
