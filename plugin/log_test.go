package plugin

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"out_sls_kafka/plugin/display"
	"out_sls_kafka/test/hostile"
)

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	h := &memoryLogger{t: t}
	l := NewLog(h, "test")
	for i := range maxPending + 44 {
		l.Infof("line %d", i)
	}
	l.Drain()
	if n := len(h.lines); n != maxPending+1 {
		t.Fatalf("%d lines, want %d", n, maxPending+1)
	}
	if got := h.lines[maxPending-1]; got != "[output:test] line 255" {
		t.Errorf("last line %q", got)
	}
	if got := h.lines[maxPending]; got != "[output:test] 44 log lines were dropped: too many at once" {
		t.Errorf("last line %q", got)
	}
	l.Infof("after")
	l.Drain()
	if got := h.lines[maxPending+1:]; len(got) != 1 || got[0] != "[output:test] after" {
		t.Errorf("then %q", got)
	}
}

func TestLogRequestsThread(t *testing.T) {
	t.Parallel()
	l := NewLog(&memoryLogger{t: t}, "test")
	var requests atomic.Int32
	l.OnPending(func() { requests.Add(1) })
	l.Debugf("not shown at level info")
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests for a line that is not shown", n)
	}
	l.Errorf("shown")
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	l.Drain()
}

// Where a thread of Fluent Bit is sure to come, lines wait for it however long that
// takes, and none goes to stderr. After Close the logger is not used.
func TestLogNotify(t *testing.T) {
	t.Parallel()
	h := &memoryLogger{t: t}
	l := NewLog(h, "test")
	l.Infof("before")
	var requests atomic.Int32
	l.Notify(func() { requests.Add(1) })
	l.OnPending(func() { t.Error("OnPending replaced Notify") })
	l.Infof("after")
	if l.timer != nil || requests.Load() != 1 {
		t.Errorf("%d requests; the timer of stderr runs: %v", requests.Load(), l.timer != nil)
	}
	l.Close()
	l.Infof("late")
	l.Drain()
	if got := h.text(); got != "[output:test] before\n[output:test] after" {
		t.Errorf("log:\n%s", got)
	}
}

// What a callback uses may be freed once another one is set.
func TestOnPendingWaits(t *testing.T) {
	t.Parallel()
	l := NewLog(&memoryLogger{t: t}, "test")
	inside, after, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	l.OnPending(func() {
		close(inside)
		select {
		case <-after:
			t.Error("OnPending returned while the callback before was running")
		case <-time.After(50 * time.Millisecond): // that it never comes cannot be awaited
		}
		close(over)
	})
	go l.Infof("a line")
	<-inside
	l.OnPending(nil)
	close(after)
	<-over
	l.Drain()
}

// The flush that is woken is one that waits, not one that is detached.
func TestRequestThread(t *testing.T) {
	t.Parallel()
	o := &Output{}
	w := make(channelWaker, 1)
	for range 100 {
		o.live.add(&Chunk{out: o})
	}
	o.live.add(&Chunk{out: o, waker: w})
	o.requestThread()
	if len(w) != 1 {
		t.Error("the only flush that waits was not woken")
	}
}

// Lines that no thread of Fluent Bit comes for, and those of a host without a
// logger, go to stderr. Run in a process of its own, whose stderr is a pipe.
func TestLogToStderr(t *testing.T) {
	t.Parallel()
	if os.Getenv("LOG_TO_STDERR") != "" {
		NewLog(nil, "none").Errorf("no logger, 100%%")
		l := NewLog(&memoryLogger{t: t}, "late")
		l.Warnf("too late")
		l.writeOverdue() // what the timer calls
		l.Drain()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestLogToStderr$")
	cmd.Env = append(os.Environ(), "LOG_TO_STDERR=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "] [error] [output:none] no logger, 100%") || !strings.HasSuffix(lines[1], "] [ warn] [output:late] too late") {
		t.Errorf("stderr %q", lines)
	}
}

func TestLogTimer(t *testing.T) {
	t.Parallel()
	l := NewLog(&memoryLogger{t: t}, "test")
	l.Infof("waits")
	if l.timer == nil {
		t.Fatal("no timer runs for a pending entry")
	}
	if l.Drain(); l.timer != nil {
		t.Error("the timer runs on without an entry")
	}
}

// What others wrote is one line, whoever logs it and however it is quoted, and holds no
// secret: not even where two texts make one.
func TestLineOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testLineOfOthers) // no timer takes some of the lines
}

func testLineOfOthers(t *testing.T) {
	h := &memoryLogger{t: t}
	l := NewLog(h, "test")
	secrets := new(display.Secrets)
	secrets.Add("demo-id#demo-secret")
	l.HideSecrets(secrets)
	l.Errorf("%s%s: %v", "demo-", "secret", errors.New("a"+hostile.Forged))
	l.Warnf("%s", strings.Repeat("汉\x1b", 1<<20))
	for cut := range 40 {
		l.Panicked(strings.Repeat("A", 960+cut)+"demo-secret"+strings.Repeat("A", 1000), nil)
	}
	l.Drain()
	if n := h.count(`[output:test] ***: a\n[2026`); n != 1 || len(h.lines) != 42 {
		t.Errorf("log:\n%s", h.text())
	}
	wantPlain(t, h)
}
