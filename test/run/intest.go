package run

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// TB is what this package needs of a [testing.TB].
type TB interface {
	Helper()
	Cleanup(f func())
	Failed() bool
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
}

// NeedFluentBit finds Fluent Bit, or skips the test where there is none, saying what was not tested.
func NeedFluentBit(t TB, what string) (path string) {
	t.Helper()
	path, err := FluentBit()
	if errors.Is(err, ErrNoFluentBit) {
		t.Skipf("%v: %s", err, what)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProcess is a process of a test: what fails ends the test.
type TestProcess struct {
	*Process
	t TB
}

// tailLines is how much of the output is shown where a test has failed.
const tailLines = 80

// stopLimit is how long a process may take to stop.
const stopLimit = 30 * time.Second

// StartTest starts a program that is killed at the end of the test; where the test has failed the end of its output is
// shown.
func StartTest(t TB, c Command) *TestProcess {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("output of %v:\n%s", p, p.Tail(tailLines))
		}
	})
	return &TestProcess{p, t}
}

// Await waits until n lines of the output hold text, no longer than limit, and returns the last of them.
func (p *TestProcess) Await(text string, n int, limit time.Duration) (line string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	line, err := p.Process.Await(ctx, text, n)
	if err != nil {
		p.t.Fatalf("in %v: %v", limit, err)
	}
	return line
}

// Wait waits for the end of the process, no longer than limit, and returns its exit code, -1 if a signal ended it.
func (p *TestProcess) Wait(limit time.Duration) (code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	state, err := p.Process.Wait(ctx)
	if err != nil {
		p.t.Fatalf("after %v: %v", limit, err)
	}
	return state.ExitCode()
}

// Signal sends a signal to the process, which must run.
func (p *TestProcess) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v to %v: %v", s, p, err)
	}
}

// Stop ends the process as a service manager does, in half a minute, and returns its exit code. The process may have
// ended before.
func (p *TestProcess) Stop() (code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	state, err := p.Process.Stop(ctx)
	if err != nil {
		p.t.Fatalf("after %v: %v", stopLimit, err)
	}
	return state.ExitCode()
}

// Feed writes the lines to the standard input of the process and closes it.
func (p *TestProcess) Feed(lines ...string) {
	p.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(p.Input, line+"\n"); err != nil {
			p.t.Fatalf("feed %v: %v", p, err)
		}
	}
	if err := p.Input.Close(); err != nil {
		p.t.Fatalf("feed %v: %v", p, err)
	}
}
