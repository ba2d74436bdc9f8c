package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const limit = time.Minute

func sh(script string) Command { return Command{Path: "/bin/sh", Args: []string{"-c", script}} }

func TestAwait(t *testing.T) {
	t.Parallel()
	p := StartTest(t, sh(`echo a 1; while read line; do echo "a $line" >&2; done; printf 'a end'`))
	if got := p.Await("a", 1, limit); got != "a 1" {
		t.Errorf("the first line is %q", got)
	}
	fmt.Fprintln(p.Input, "2")
	if got := p.Await("a", 2, limit); got != "a 2" {
		t.Errorf("the second line is %q", got)
	}
	p.Feed("3", "4")
	if got := p.Await("a", 5, limit); got != "a end" {
		t.Errorf("the line without an end is %q", got)
	}
	if code := p.Wait(limit); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if want := []string{"a 1", "a 2", "a 3", "a 4", "a end"}; !slices.Equal(p.Lines(), want) {
		t.Errorf("lines %q, want %q", p.Lines(), want)
	}
	if got, want := p.Tail(2), "a 4\na end\n"; got != want {
		t.Errorf("tail %q, want %q", got, want)
	}
	if p.Count("a") != 5 || p.Count("end") != 1 || p.Count("b") != 0 {
		t.Errorf("%d lines with a, %d with end, %d with b", p.Count("a"), p.Count("end"), p.Count("b"))
	}
}

func TestAwaitFails(t *testing.T) {
	t.Parallel()
	p, err := Start(sh(`echo once; read line; exit 3`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Await(over, "twice", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("when the context is done: %v", err)
	}
	if _, err := p.Wait(over); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait when the context is done: %v", err)
	}
	p.Input.Close()
	_, err = p.Await(t.Context(), "once", 2)
	if want := `sh has ended (exit status 3), and 1 lines of its output hold "once", want 2`; err == nil || err.Error() != want {
		t.Errorf("when it has ended: %v, want %s", err, want)
	}
	if state, err := p.Wait(over); err != nil || state.ExitCode() != 3 {
		t.Errorf("end %v, error %v", state, err)
	}
	if err := p.Signal(syscall.SIGTERM); err != os.ErrProcessDone {
		t.Errorf("a signal to what has ended: %v", err)
	}
	if state, err := p.Stop(t.Context()); err != nil || state.ExitCode() != 3 {
		t.Errorf("a stop of what has ended: %v, %v", state, err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	p := StartTest(t, sh(`trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done`))
	p.Await("ready", 1, limit)
	if code := p.Stop(); code != 5 || p.Output() != "ready\nbye\n" {
		t.Errorf("exit code %d, output %q", code, p.Output())
	}

	p = StartTest(t, sh(`trap '' TERM; echo ready; while :; do sleep 0.02; done`))
	p.Await("ready", 1, limit)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Process.Stop(over); !errors.Is(err, context.Canceled) {
		t.Errorf("a stop of what does not stop: %v", err)
	}
	if code := p.Wait(0); code != -1 {
		t.Errorf("exit code %d of what was killed", code)
	}
}

// The kernel kills a process with the thread that started it, and a goroutine that keeps its thread ends it.
func TestOutlivesThread(t *testing.T) {
	t.Parallel()
	var p *TestProcess
	endThread(t, func() { p = StartTest(t, sh("read line; echo $line")) })
	fmt.Fprintln(p.Input, "alive")
	p.Await("alive", 1, limit)
}

// endThread calls f on a thread that ends then.
func endThread(t *testing.T, f func()) {
	t.Helper()
	called, done := make(chan int), make(chan struct{})
	defer close(done)
	var call func()
	call = func() {
		runtime.LockOSThread() // and never unlocked
		if thread := syscall.Gettid(); thread != os.Getpid() {
			f()
			called <- thread
			return
		}
		go call()
		<-done // the main thread never ends; it is kept from the next
	}
	go call()
	task := fmt.Sprintf("/proc/self/task/%d", <-called)
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) { // nothing tells the end of a thread
		if _, err := os.Stat(task); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the thread has not ended")
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := StartTest(t, Command{Path: "/bin/sh", Args: []string{"-c", `echo "$RUN_TEST $PATH"; pwd -P`}, Env: []string{"RUN_TEST=added"}, Dir: dir})
	p.Wait(limit)
	if want := []string{"added " + os.Getenv("PATH"), dir}; !slices.Equal(p.Lines(), want) {
		t.Errorf("%q, want %q", p.Lines(), want)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := Start(Command{Path: "/nowhere/program"}); err == nil || !strings.Contains(err.Error(), "start /nowhere/program: ") {
		t.Errorf("error %v", err)
	}
}

// A process that has left its output to another has ended all the same.
func TestOutputHeldOpen(t *testing.T) {
	t.Parallel()
	p := StartTest(t, sh(`sleep 60 & echo $!`))
	var orphan int
	if _, err := fmt.Sscan(p.Await("", 1, limit), &orphan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(orphan, syscall.SIGKILL) })
	if _, err := p.Process.Wait(t.Context()); err == nil {
		t.Error("no word of the output that may go on")
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	p := StartTest(t, sh(`exec 9</dev/null; echo ready; read line`))
	p.Await("ready", 1, limit)
	threads, err1 := p.Threads()
	descriptors, err2 := p.Descriptors()
	resident, err3 := p.Resident()
	peak, err4 := p.PeakResident()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if threads != 1 || descriptors < 4 {
		t.Errorf("%d threads, %d descriptors", threads, descriptors)
	}
	if resident < 4096 || resident > 1<<30 || peak < resident {
		t.Errorf("%d bytes resident, %d at most", resident, peak)
	}
	p.Kill()
	if n, err := p.Resident(); err == nil {
		t.Errorf("what has ended has %d bytes", n)
	}
}
