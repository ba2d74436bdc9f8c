package plugin

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLogKeepsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	h := &memoryHost{t: t}
	l := NewLog(h, "test")
	for i := range keptLines + 44 {
		l.Infof("line %d", i)
	}
	l.Drain()
	if n := len(h.lines); n != keptLines+1 {
		t.Fatalf("%d lines, want %d", n, keptLines+1)
	}
	if got := h.lines[keptLines-1]; got != "[output:test] line 255" {
		t.Errorf("last line %q", got)
	}
	if got := h.lines[keptLines]; got != "[output:test] 44 log lines were dropped: too many at once" {
		t.Errorf("last line %q", got)
	}
	l.Infof("after")
	l.Drain()
	if got := h.lines[keptLines+1:]; len(got) != 1 || got[0] != "[output:test] after" {
		t.Errorf("then %q", got)
	}
}

func TestLogNudges(t *testing.T) {
	t.Parallel()
	l := NewLog(&memoryHost{t: t}, "test")
	var nudged atomic.Int32
	l.OnPending(func() { nudged.Add(1) })
	l.Debugf("not shown at level info")
	if n := nudged.Load(); n != 0 {
		t.Errorf("%d nudges for a line that is not shown", n)
	}
	l.Errorf("shown")
	if n := nudged.Load(); n != 1 {
		t.Errorf("%d nudges, want 1", n)
	}
	l.Drain()
}

// What a nudge uses may be freed once another one is set.
func TestLogEndsNudges(t *testing.T) {
	t.Parallel()
	l := NewLog(&memoryHost{t: t}, "test")
	inside, after, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	l.OnPending(func() {
		close(inside)
		select {
		case <-after:
			t.Error("OnPending returned while the nudge before was not over")
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

// The flush that is nudged is one that waits: an abandoned one hears nothing.
func TestNudgeFindsWhoWaits(t *testing.T) {
	t.Parallel()
	o := &Output{}
	w := make(channelWaker, 1)
	for range 100 {
		o.live.add(&Chunk{out: o})
	}
	o.live.add(&Chunk{out: o, waker: w})
	o.nudge()
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
		l := NewLog(&memoryHost{t: t}, "late")
		l.Warnf("too late")
		l.overdue() // what the timer calls
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

func TestLogOverdueIsTimed(t *testing.T) {
	t.Parallel()
	l := NewLog(&memoryHost{t: t}, "test")
	l.Infof("waits")
	if l.timer == nil {
		t.Fatal("no timer runs for a line that waits")
	}
	if l.Drain(); l.timer != nil {
		t.Error("the timer runs on without a line")
	}
}
