package host_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// At SIGTERM a worker finishes what was handed to it before, however short the grace; its answers are ignored.
func TestWorkersAreJoined(t *testing.T) {
	t.Parallel()
	p := start(t, compile(t, false), nil, "-w", "1", "-b", "1", "-g", "0", "-p", "mode=suspend", "-p", "delay=1500")
	io.WriteString(p.stdin, numbers(0, 3))
	p.await("call Suspend", 3)
	p.signal(syscall.SIGTERM)
	code, out := p.wait()
	wantEnd(t, code, out, 0, "ok=0 retries=0 dropped=0")
	c := calls(out)
	if count(c, "FlushCtx") != 3 || !strings.HasPrefix(c[len(c)-2], "ExitCtx - exit_signal=15") {
		t.Errorf("calls: %v", c)
	}
}

// A host killed with unanswered chunks hands all of them over after the next start and goes on behind them, no line twice.
func TestStorageAfterKill(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-T", "7"}} {
		dir, input := filepath.Join(t.TempDir(), "chunks"), writeFile(t, "in.log", numbers(0, 20000))
		out := filepath.Join(t.TempDir(), "out")
		args := append([]string{"-i", input, "-S", dir, "-b", "100"}, flags...)
		p := start(t, compile(t, false), nil, append(args, "-r", "200", "-p", "mode=suspend", "-p", "delay=never")...)
		p.await("call Suspend", 20)
		p.signal(syscall.SIGKILL)
		p.wait()
		code, lines := run(t, compile(t, false), "", append(args, "-p", "out="+out)...)
		wantEnd(t, code, lines, 0, "chunk files found")
		if count(lines, "host: lines=20000 ") > 0 {
			t.Errorf("the second run read the file from its start")
		}
		wantNumbers(t, 20000, false, out)
		if left, _ := filepath.Glob(dir + "/*.chunk"); len(left) > 0 {
			t.Errorf("left in storage: %v", left)
		}
	}
}

// Killed again and again while chunks are written, answered and deleted: chunks may come twice, none is lost.
func TestStorageAfterManyKills(t *testing.T) {
	t.Parallel()
	dir, input := filepath.Join(t.TempDir(), "chunks"), writeFile(t, "in.log", numbers(0, 50000))
	outs := make([]string, 7)
	for i := range outs {
		outs[i] = filepath.Join(t.TempDir(), "out")
	}
	args := []string{"-i", input, "-S", dir, "-b", "100", "-T", "3"}
	for _, out := range outs[:6] {
		p := start(t, compile(t, false), nil, append(args, "-r", "400", "-p", "out="+out)...)
		p.await("call FlushCtx", 30)
		p.signal(syscall.SIGKILL)
		p.wait()
	}
	code, lines := run(t, compile(t, false), "", append(args, "-p", "out="+outs[6])...)
	wantEnd(t, code, lines, 0, "dropped=0")
	wantNumbers(t, 50000, true, outs...)
}

// SIGTERM with flushes that never return: the grace passes, exits come, nothing is resumed, stored chunks stay.
func TestTermWithSuspendedFlushes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "chunks")
	conf := writeFile(t, "f.conf", "[SERVICE]\n  Grace 2\n"+output("Id one", "Mode suspend", "Delay never"))
	p := start(t, compile(t, false), nil, "-c", conf, "-b", "1", "-S", dir)
	io.WriteString(p.stdin, "a\nb\nc\n")
	p.await("call Suspend", 3)
	p.signal(syscall.SIGTERM)
	code, out := p.wait()
	wantEnd(t, code, out, 0, "service has stopped (3 pending tasks)")
	c := calls(out)
	if len(c) != 10 || !strings.HasPrefix(c[8], "ExitCtx one exit_signal=15") || !strings.HasPrefix(c[9], "Unregister") {
		t.Errorf("calls: %s", strings.Join(c, "\n"))
	}
	if left, _ := filepath.Glob(dir + "/*.chunk"); len(left) != 3 {
		t.Errorf("in storage: %v", left)
	}
	code, out = run(t, compile(t, false), "", "-S", dir)
	wantEnd(t, code, out, 0, "host: lines=0 chunks=3 ok=3")
}

// Ten reloads under a steady stream: the old plugin drains while the new one is loaded, and every line arrives once.
func TestReload(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	p := start(t, compile(t, false), nil, "-f", "20", "-p", "mode=suspend", "-p", "delay=50", "-p", "out="+out)
	n, stop := make(chan int), make(chan struct{})
	go func() {
		every := time.NewTicker(time.Millisecond)
		defer every.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				n <- i
				return
			case <-every.C:
				fmt.Fprintf(p.stdin, "line %d\n", i)
			}
		}
	}()
	p.await("call FlushCtx", 1)
	var threads, files [2]int
	for i := 1; i <= 10; i++ {
		p.signal(syscall.SIGHUP)
		p.await(fmt.Sprintf("[reload] reload %d done", i), 1)
		threads[i/10], files[i/10] = p.proc("task"), p.proc("fd")
	}
	close(stop)
	sent := <-n
	p.stdin.Close()
	code, lines := p.wait()
	wantEnd(t, code, lines, 0, "dropped=0 reloads=10")
	wantNumbers(t, sent, false, out)
	// Flushes in flight hold a thread of the test plugin and an eventfd each: at 50 ms and one chunk in 20 ms a few.
	if threads[1] > threads[0]+10 || files[1] > files[0]+10 {
		t.Errorf("threads %v, descriptors %v after the 9th and 10th reload", threads, files)
	}
	first := calls(lines)
	if count(first, "PreRegister 1") != 10 || count(first, "PreExit 1") != 10 || count(first, "Unregister") != 11 {
		t.Errorf("calls:\n%s", strings.Join(first, "\n"))
	}
	wantReloadOrder(t, first)
}

func wantReloadOrder(t *testing.T, calls []string) {
	t.Helper()
	var order []string
	for _, c := range calls {
		if name, _, _ := strings.Cut(c, " "); name != "Suspend" && name != "FlushCtx" {
			order = append(order, strings.Join(strings.Fields(c)[:2], " "))
		}
	}
	one := "PreRegister 1 Register - PreExit 1 ExitCtx - Unregister - Init - PreRun 1 "
	want := "PreRegister 0 Register - Init - PreRun 1 " + strings.Repeat(one, 10) + "PreExit 0 ExitCtx - Unregister -"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("order of calls:\n%s\nwant:\n%s", got, want)
	}
}

// A configuration that got wrong is refused at a reload, and the old plugin goes on.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one"))
	p := start(t, compile(t, false), nil, "-c", conf)
	p.await("call PreRun", 1)
	if err := os.WriteFile(conf, []byte(output("Id two", "tls on")), 0o644); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.await("Reloading is halted", 1)
	io.WriteString(p.stdin, "a\n")
	p.stdin.Close()
	code, out := p.wait()
	wantEnd(t, code, out, 0, "FlushCtx one ")
	wantEnd(t, code, out, 0, "ok=1 retries=0 dropped=0 reloads=0")
	if count(out, "ExitCtx NULL") != 1 || count(out, "call Init") != 1 {
		t.Errorf("output:\n%s", strings.Join(out, "\n"))
	}
}

// A reload after which Init fails ends the process, as in Fluent Bit.
func TestReloadInitFails(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one"))
	p := start(t, compile(t, false), nil, "-c", conf)
	p.await("call PreRun", 1)
	if err := os.WriteFile(conf, []byte(output("Id two", "Init fail")), 0o644); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	code, out := p.wait()
	wantEnd(t, code, out, 255, "call Init two")
}

// Below 2.1.8 the inputs end before the outputs: the data of a suspended flush is gone when its output exits. Later it
// stays until then.
func TestInputsEnd(t *testing.T) {
	t.Parallel()
	for flag, gone := range map[string]bool{"-DHOST_VERSION=20107": true, "-DHOST_VERSION=20108": false} {
		p := start(t, compile(t, false, flag), nil, "-b", "1", "-g", "0", "-p", "mode=suspend", "-p", "delay=never")
		io.WriteString(p.stdin, "a\n")
		p.await("call Suspend", 1)
		p.signal(syscall.SIGTERM)
		code, out := p.wait()
		wantEnd(t, code, out, 0, fmt.Sprintf("first=%s", map[bool]string{true: "a5", false: "92"}[gone]))
	}
}

// Below 2.0.7 each section is exited with the context of the last one.
func TestExitsOfTwoSections(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one")+output("Id two"))
	for flag, one := range map[string]int{"-DHOST_VERSION=20006": 0, "-DHOST_VERSION=20007": 1} {
		_, out := run(t, compile(t, false, flag), "a\n", "-c", conf)
		if n, two := count(out, "call ExitCtx one"), count(out, "call ExitCtx two"); n != one || two != 2-one {
			t.Errorf("%s: exits of one: %d, of two: %d:\n%s", flag, n, two, strings.Join(out, "\n"))
		}
	}
}
