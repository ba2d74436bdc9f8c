// Package host_test checks the bundled test host with a plugin written in C that answers as it is told.
package host_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

var compiled struct {
	sync.Mutex
	dir   string
	paths map[string]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "host_test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	compiled.dir, compiled.paths = dir, map[string]string{}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// compile builds one variant of the host, or with plugin the test plugin, once for all tests.
func compile(t *testing.T, plugin bool, flags ...string) string {
	t.Helper()
	compiled.Lock()
	defer compiled.Unlock()
	key := fmt.Sprint(plugin, flags)
	if path, ok := compiled.paths[key]; ok {
		return path
	}
	path := filepath.Join(compiled.dir, fmt.Sprintf("%d.bin", len(compiled.paths)))
	pattern, how := "src/*.c", []string{"-rdynamic"}
	if plugin {
		pattern, how = "testplugin/*.c", []string{"-shared", "-fPIC"}
	}
	sources, err := filepath.Glob(pattern)
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources %s: %v", pattern, err)
	}
	args := append([]string{"-O0", "-g", "-Wall", "-Wextra", "-Werror", "-o", path}, how...)
	args = append(append(append(args, flags...), sources...), "-ldl", "-lpthread")
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cc %v: %v\n%s", args, err, out)
	}
	compiled.paths[key] = path
	return path
}

// A process is a host that runs, with its output so far.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	exited chan struct{}

	mu      sync.Mutex
	changed *sync.Cond
	out     []string // lines of stdout and stderr, each stream in its order
	open    int      // streams still open
}

// start runs a host with the test plugin. The caller closes stdin or stops the process.
func start(t *testing.T, host string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, exited: make(chan struct{}), open: 2}
	p.changed = sync.NewCond(&p.mu)
	p.cmd = exec.Command(host, append([]string{"-e", compile(t, true)}, args...)...)
	p.cmd.Env = append(os.Environ(), env...)
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Add(2)
	for _, stream := range []io.Reader{stdout, stderr} {
		go func() {
			defer readers.Done()
			p.collect(stream)
		}()
	}
	go func() {
		readers.Wait()
		p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

func (p *process) collect(stream io.Reader) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.out = append(p.out, lines.Text())
		p.mu.Unlock()
		p.changed.Broadcast()
	}
	p.mu.Lock()
	p.open--
	p.mu.Unlock()
	p.changed.Broadcast()
}

// await returns when n lines contain text; it fails the test when the process ends before.
func (p *process) await(text string, n int) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for count(p.out, text) < n {
		if p.open == 0 || count(p.out, "SIGHUP ignored") > 0 {
			p.t.Fatalf("%q came %d times, not %d:\n%s", text, count(p.out, text), n, strings.Join(p.out, "\n"))
		}
		p.changed.Wait()
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns exit code and output of the ended process.
func (p *process) wait() (int, []string) {
	p.t.Helper()
	<-p.exited
	return p.cmd.ProcessState.ExitCode(), p.out
}

// run feeds input to a host and waits for its end.
func run(t *testing.T, host string, input string, args ...string) (int, []string) {
	t.Helper()
	p := start(t, host, nil, args...)
	io.WriteString(p.stdin, input) // a host that ends early does not read it
	p.stdin.Close()
	return p.wait()
}

func count(lines []string, text string) int {
	n := 0
	for _, l := range lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// calls returns the plugin's call lines, without the word call.
func calls(lines []string) []string {
	var c []string
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "call "); ok {
			c = append(c, rest)
		}
	}
	return c
}

func wantCalls(t *testing.T, out []string, want ...string) {
	t.Helper()
	if got := strings.Join(calls(out), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("calls:\n%s\nwant:\n%s\nall output:\n%s", got, strings.Join(want, "\n"), strings.Join(out, "\n"))
	}
}

func wantEnd(t *testing.T, code int, out []string, wantCode int, wantLine string) {
	t.Helper()
	if code != wantCode || count(out, wantLine) == 0 {
		t.Errorf("exit code %d, want %d and a line with %q:\n%s", code, wantCode, wantLine, strings.Join(out, "\n"))
	}
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// output is an [OUTPUT] section of the test plugin that takes every tag.
func output(properties ...string) string {
	return "[OUTPUT]\n  Name testplugin\n  Match *\n  " + strings.Join(properties, "\n  ") + "\n"
}

func numbers(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

// wantNumbers checks that the out files of plugins have the lines of numbers(0, n), each once unless killed. A killed
// plugin may have cut its last chunk short and lines may come twice.
func wantNumbers(t *testing.T, n int, killed bool, outs ...string) {
	t.Helper()
	seen := map[string]int{}
	for _, out := range outs {
		for _, e := range readEvents(t, out, killed) {
			seen[e.log()]++
		}
	}
	missing, twice := 0, 0
	for i := range n {
		switch c := seen[fmt.Sprintf("line %d", i)]; {
		case c == 0:
			missing++
		case c > 1:
			twice++
		}
	}
	if missing > 0 || twice > 0 && !killed || len(seen) != n-missing {
		t.Errorf("of %d lines %d are missing, %d came more than once, %d different came", n, missing, twice, len(seen))
	}
}

type event struct {
	v1        bool
	sec, nsec uint32
	body      []byte // msgpack
}

func (e event) log() string {
	text, _, err := msgp.ReadStringBytes(msgp.Locate("log", e.body))
	if err != nil {
		return err.Error()
	}
	return text
}

// readEvents reads the chunks a plugin appended to its out file; torn means that their end may be cut off.
func readEvents(t *testing.T, path string, torn bool) []event {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for len(b) > 0 {
		e, rest, err := readEvent(b)
		if torn && errors.Is(err, msgp.ErrShortBytes) {
			break
		}
		if err != nil {
			t.Fatalf("%v in % x", err, b[:min(len(b), 32)])
		}
		events, b = append(events, e), rest
	}
	return events
}

// readEvent reads [time, body] or [[time, {}], body] as the host writes them.
func readEvent(b []byte) (e event, rest []byte, err error) {
	v1, v2 := []byte{0x92, 0xd7, 0x00}, []byte{0x92, 0x92, 0xd7, 0x00}
	if len(b) < 14 {
		return e, nil, msgp.ErrShortBytes
	}
	e.v1 = bytes.HasPrefix(b, v1)
	switch {
	case e.v1:
		b = b[len(v1):]
	case bytes.HasPrefix(b, v2) && b[len(v2)+8] == 0x80:
		b = b[len(v2):]
	default:
		return e, nil, errors.New("not an event")
	}
	e.sec, e.nsec = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	if !e.v1 {
		b = b[1:]
	}
	rest, err = msgp.Skip(b)
	e.body = b[:len(b)-len(rest)]
	return e, rest, err
}

func TestCallOrder(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one")+output("Id two"))
	code, out := run(t, compile(t, false), "a\n", "-c", conf)
	wantEnd(t, code, out, 0, "host: lines=1 chunks=1 ok=1 retries=0 dropped=0 reloads=0")
	main, pipe := "thread="+threadName(compile(t, false)), "thread=flb-pipeline"
	wantCalls(t, out,
		"PreRegister 0 "+main, "Register - "+main,
		"Init one "+pipe, "Init two "+pipe, "PreRun 1 "+pipe, "PreRun 1 "+pipe,
		"FlushCtx one tag=host.0 size=20 waited=- "+pipe, "FlushCtx two tag=host.0 size=20 waited=- "+pipe,
		"PreExit 0 "+pipe, "ExitCtx one exit_signal=0 "+pipe, "PreExit 0 "+pipe, "ExitCtx two exit_signal=0 "+pipe,
		"Unregister - "+main)
}

func threadName(path string) string {
	return filepath.Base(path)[:min(15, len(filepath.Base(path)))]
}

func TestInitFails(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one")+output("Id two", "Init fail")+output("Id three"))
	code, out := run(t, compile(t, false), "a\n", "-c", conf)
	wantEnd(t, code, out, 255, "[output] failed to initialize 'testplugin.1'")
	main, pipe := "thread="+threadName(compile(t, false)), "thread=flb-pipeline"
	wantCalls(t, out, "PreRegister 0 "+main, "Register - "+main, "Init one "+pipe, "Init two "+pipe,
		"PreExit 0 "+pipe, "ExitCtx one exit_signal=0 "+pipe, "PreExit 0 "+pipe, "ExitCtx NULL exit_signal=0 "+pipe,
		"Unregister - "+main)
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	code, out := run(t, compile(t, false), "", "--dry-run")
	main := "thread=" + threadName(compile(t, false))
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantCalls(t, out, "PreRegister 0 "+main, "Register - "+main, "PreExit 0 "+main, "ExitCtx NULL exit_signal=0 "+main,
		"Unregister - "+main)
}

// While a flush waits on the event loop the other output ticks on; while one sleeps in its callback nothing does.
func TestTickDuringFlush(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		variant      []string
		mode, waited string
		ticks        bool
	}{
		{nil, "suspend", "loop", true},
		{[]string{"-DHOST_CORO_SHIFT"}, "suspend", "loop", true},
		{[]string{"-DHOST_API_V1"}, "suspend", "loop", true},
		{[]string{"-DHOST_NO_CORO_LAYOUT"}, "suspend", "poll", false},
		{[]string{"-DHOST_EVENT_LAYOUT_OTHER"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_FLB_CORO_GET"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_FLB_CORO_SET"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_FLB_ENGINE_EVL_GET"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_CO_ACTIVE"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_CO_SWITCH"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_MK_EVENT_ADD"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_MK_EVENT_DEL"}, "suspend", "poll", false},
		{nil, "block", "-", false},
	} {
		t.Run(fmt.Sprint(c.variant, c.mode), func(t *testing.T) {
			t.Parallel()
			conf := writeFile(t, "f.conf", output("Mode "+c.mode, "Delay 1200")+"[OUTPUT]\n  Name tick\n")
			code, out := run(t, compile(t, false, c.variant...), "a\n", "-c", conf, "-f", "1")
			wantEnd(t, code, out, 0, "waited="+c.waited)
			during := 0
			for _, l := range out {
				if strings.HasPrefix(l, "call FlushCtx") {
					break
				}
				if strings.HasPrefix(l, "tick ") {
					during++
				}
			}
			if c.ticks && during < 4 || !c.ticks && during > 1 {
				t.Errorf("%d ticks before the flush of 1200 ms returned:\n%s", during, strings.Join(out, "\n"))
			}
		})
	}
}

// Many flushes may be suspended at once on the engine's thread, each on its own coroutine.
func TestManySuspendedFlushes(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-w", "2"}} {
		out := filepath.Join(t.TempDir(), "out")
		code, lines := run(t, compile(t, false), numbers(0, 500),
			append([]string{"-b", "1", "-s", "24", "-p", "mode=suspend", "-p", "delay=300", "-p", "out=" + out}, flags...)...)
		wantEnd(t, code, lines, 0, "lines=500 chunks=500 ok=500")
		wantNumbers(t, 500, false, out)
		suspended, most := 0, 0
		for _, c := range calls(lines) {
			if strings.HasPrefix(c, "Suspend") {
				suspended++
			} else if strings.HasPrefix(c, "FlushCtx") {
				suspended--
			}
			most = max(most, suspended)
		}
		if most < 100 {
			t.Errorf("at most %d flushes were suspended at once", most)
		}
	}
}

// Workers get chunks in turn, idle or not, and are joined before ExitCtx; the engine is free meanwhile.
func TestWorkers(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Mode block", "Delay 400", "Workers 3")+"[OUTPUT]\n  Name tick\n")
	code, out := run(t, compile(t, false), numbers(0, 6), "-c", conf, "-b", "1")
	wantEnd(t, code, out, 0, "chunks=6 ok=6")
	for i := range 3 {
		if n := count(out, fmt.Sprintf("thread=flb-out-w%d", i)); n != 2 {
			t.Errorf("worker %d had %d of 6 chunks", i, n)
		}
	}
	if n := count(out, "tick "); n < 4 {
		t.Errorf("%d ticks while workers slept 800 ms", n)
	}
	if c := calls(out); !strings.HasPrefix(c[len(c)-2], "ExitCtx") {
		t.Errorf("calls: %v", c)
	}
}

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

func TestResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, conf, end string
		code            int
	}{
		{"one retry is the default limit", output("Mode retry", "Times 1"), "ok=1 retries=1 dropped=0", 0},
		{"beyond the limit dropped", output("Mode retry", "Times 2"), "ok=0 retries=1 dropped=1", 1},
		{"limit 3", output("Mode retry", "Times 4", "Retry_Limit 3"), "ok=0 retries=3 dropped=1", 1},
		{"no limits", output("Mode retry", "Times 9", "Retry_Limit no_limits"), "ok=1 retries=9 dropped=0", 0},
		{"no retries", output("Mode retry", "Times 1", "Retry_Limit no_retries"), "ok=0 retries=0 dropped=1", 1},
		{"error", output("Mode error"), "ok=0 retries=0 dropped=1", 1},
		{"one of two drops", output("Mode error") + output("Mode suspend", "Delay 200"), "ok=0 retries=0 dropped=1", 1},
		{"nobody takes the tag", "[OUTPUT]\n Name testplugin\n Match other.*\n", "ok=0 retries=0 dropped=1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out := run(t, compile(t, false), "a\n", "-R", "5", "-c", writeFile(t, "f.conf", c.conf))
			wantEnd(t, code, out, c.code, c.end)
		})
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

// proc counts the entries of one of the process's directories in /proc.
func (p *process) proc(dir string) int {
	p.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, dir))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(entries)
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

func TestRegistrationStruct(t *testing.T) {
	t.Parallel()
	p := start(t, compile(t, false), []string{"TESTPLUGIN_OVERFLOW=1"})
	code, out := p.wait()
	wantEnd(t, code, out, -1, "FLBPluginRegister wrote byte 32 of a registration struct of 32 bytes")

	p = start(t, compile(t, false, "-DHOST_DEF_NEW"), []string{"TESTPLUGIN_OVERFLOW=1"}) // 4 of the 48 bytes' own
	p.stdin.Close()
	code, out = p.wait()
	wantEnd(t, code, out, 0, "dropped=0")

	p = start(t, compile(t, false), []string{"TESTPLUGIN_LEAK=1"})
	p.stdin.Close()
	_, out = p.wait()
	if count(out, "was not freed by FLBPluginUnregister") != 1 {
		t.Errorf("no word of the leak:\n%s", strings.Join(out, "\n"))
	}
	_, out = run(t, compile(t, false), "")
	if count(out, "was not freed") != 0 {
		t.Errorf("a leak where there is none:\n%s", strings.Join(out, "\n"))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line      string
		sec, nsec uint32 // 0: now
		json      string
	}{
		{"plain", 0, 0, `{"log":"plain"}`},
		{"", 0, 0, `{"log":""}`},
		{"@1262304000 old", 1262304000, 0, `{"log":"old"}`},
		{"@1262304000.5 half", 1262304000, 500000000, `{"log":"half"}`},
		{"@1262304000.123456789 all", 1262304000, 123456789, `{"log":"all"}`},
		{"@4294967295 last", 4294967295, 0, `{"log":"last"}`},
		{"@4294967296 too late", 0, 0, `{"log":"@4294967296 too late"}`},
		{"@12x", 0, 0, `{"log":"@12x"}`},
		{`{"a":1}`, 0, 0, `{"a":1}`},
		{`@7 {"a":[1,-2,3.5,true,false,null,{"b":{}}],"c":"x\n\u00e9\ud83d\ude00"}`, 7, 0,
			`{"a":[1,-2,3.5,true,false,null,{"b":{}}],"c":"x\né😀"}`},
		{`{"big":18446744073709551615,"neg":-9223372036854775808,"n":[127,128,255,256,65535,65536,-32,-33,-129,-32769]}`, 0, 0,
			`{"big":18446744073709551615,"neg":-9223372036854775808,"n":[127,128,255,256,65535,65536,-32,-33,-129,-32769]}`},
		{`{"a":1} trailing`, 0, 0, `{"log":"{\"a\":1} trailing"}`},
		{`{"a":}`, 0, 0, `{"log":"{\"a\":}"}`},
		{`[1]`, 0, 0, `{"log":"[1]"}`},
		{`{"k":"` + strings.Repeat("v", 70000) + `"}`, 0, 0, `{"k":"` + strings.Repeat("v", 70000) + `"}`},
	} {
		for _, version := range []string{"1", "2"} {
			out := filepath.Join(t.TempDir(), "out")
			before := time.Now().Unix()
			code, lines := run(t, compile(t, false), c.line+"\n", "-J", "-v"+version, "-p", "out="+out)
			wantEnd(t, code, lines, 0, "lines=1 chunks=1 ok=1")
			events := readEvents(t, out, false)
			if len(events) != 1 {
				t.Fatalf("%.60s: %d events", c.line, len(events))
			}
			e := events[0]
			var json bytes.Buffer
			if _, err := msgp.UnmarshalAsJSON(&json, e.body); err != nil || json.String() != c.json {
				t.Errorf("%.60s: %.200s, want %.200s (%v)", c.line, json.String(), c.json, err)
			}
			inTime := e.sec == c.sec && e.nsec == c.nsec
			if c.sec == 0 {
				inTime = int64(e.sec) >= before && int64(e.sec) <= time.Now().Unix()
			}
			if !inTime || e.v1 != (version == "1") {
				t.Errorf("%.60s: time %d.%09d, v1 %v", c.line, e.sec, e.nsec, e.v1)
			}
		}
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	size := regexp.MustCompile(`tag=(\S+) size=(\d+)`)
	_, out := run(t, compile(t, false), strings.Repeat(strings.Repeat("x", 999)+"\n", 6000), "-f", "60000")
	sizes := size.FindAllStringSubmatch(strings.Join(out, "\n"), -1)
	if len(sizes) != 3 || len(sizes[0][2]) != 7 || sizes[0][2] < "2048000" || sizes[0][2] > "2050000" {
		t.Errorf("6 MB in chunks of %v", sizes)
	}
	_, out = run(t, compile(t, false), numbers(0, 40), "-T", "4", "-b", "5", "-f", "60000")
	for i := range 4 {
		if n := count(out, fmt.Sprintf("tag=host.%d ", i)); n != 2 {
			t.Errorf("%d chunks of tag host.%d", n, i)
		}
	}
	begin := time.Now()
	_, out = run(t, compile(t, false), numbers(0, 40), "-b", "1", "-r", "50", "-t", "my.tag")
	if took := time.Since(begin); count(out, "tag=my.tag ") != 40 || took < 700*time.Millisecond {
		t.Errorf("%d chunks in %v at 50 a second", count(out, "tag=my.tag "), took)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	log := writeFile(t, "app.log", "one\ntwo\nthree")
	for _, c := range []struct {
		name, conf string
		args       []string
		code       int
		want       string
	}{
		{"environment", output("Id ${HOST_TEST_ID}-${HOST_TEST_NONE:-b}"), nil, 0, "call Init a-b "},
		{"unset variable", output("Id ${HOST_TEST_NONE}"), nil, 0, "${HOST_TEST_NONE} is used but not set"},
		{"first of two wins", output("Id one", "Id two"), nil, 0, "call Init one "},
		{"any case, comment, inner blanks", "# c\n[output]\nNAME TESTPLUGIN\n  # c\nID  a # b  \nMatch *\n", nil, 0, "call Init a # b "},
		{"swallowed", output("Host x", "net.keepalive off", "tls.verify off", "Alias a"), nil, 0, "ok=1"},
		{"-p", output("Mode ok"), []string{"-p", "id=p"}, 0, "call Init p "},
		{"match with a prefix", "[OUTPUT]\n  Name testplugin\n  Match ho*.0\n", nil, 0, "ok=1"},
		{"tail", "[INPUT]\n  Name tail\n  Path " + log + "\n  Tag app\n" + output("Id one"), []string{"-n"}, 0, "lines=3 chunks=1 ok=1"},
		{"tail's tag", "[INPUT]\n  Name tail\n  Path " + log + "\n  Tag app\n" + output("Id one"), []string{"-n"}, 0, "tag=app "},
		{"tls on", output("tls on"), nil, 1, "testplugin.0 does not support TLS"},
		{"no value", output("Id"), nil, 1, "line 4: 'Id' has no value"},
		{"unknown output", "[OUTPUT]\n  Name kafka\n", nil, 1, "Name 'kafka' is neither the loaded plugin (testplugin) nor tick"},
		{"no such tail file", "[INPUT]\n Name tail\n Path /nowhere/x\n" + output("Id one"), []string{"-n"}, 1, "cannot read /nowhere/x"},
		{"flush", "[SERVICE]\n Flush none\n" + output("Id one"), nil, 1, "Flush 'none'"},
		{"bad flag", output("Id one"), []string{"-b", "many"}, 2, "-b many"},
		{"unknown flag", output("Id one"), []string{"-z"}, 2, "invalid option"},
		{"help", output("Id one"), []string{"--help"}, 0, "--dry-run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, compile(t, false), []string{"HOST_TEST_ID=a"}, append([]string{"-c", writeFile(t, "f.conf", c.conf)}, c.args...)...)
			io.WriteString(p.stdin, "a\n")
			p.stdin.Close()
			code, out := p.wait()
			wantEnd(t, code, out, c.code, c.want)
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one", "Log_Level debug")+output("Id two"))
	file := filepath.Join(t.TempDir(), "log")
	_, out := run(t, compile(t, false), "", "-c", conf, "-l", file)
	logged, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`(?m)^\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{9}\] \[( info|debug)\] level [34]$`)
	if got := form.FindAllString(string(logged), -1); len(got) != 3 {
		t.Errorf("log file:\n%s", logged)
	}
	if n := count(out, "level 3 (foreign thread)") + count(out, "level 4 (foreign thread)"); n != 3 || count(out, "level") != 3 {
		t.Errorf("on stderr:\n%s", strings.Join(out, "\n"))
	}
	_, out = run(t, compile(t, false, "-DHOST_API_V1"), "")
	if count(out, "level 3") != 0 {
		t.Errorf("a 1.9 host cannot log:\n%s", strings.Join(out, "\n"))
	}
}

// The host itself has no memory fault in any of its ways to end.
func TestAddressSanitizer(t *testing.T) {
	t.Parallel()
	host := compile(t, false, "-fsanitize=address")
	for _, args := range [][]string{
		{"-b", "1", "-p", "mode=suspend", "-p", "delay=20"},
		{"-b", "1", "-w", "2", "-p", "mode=suspend", "-p", "delay=20"},
		{"-b", "1", "-p", "mode=retry", "-p", "times=3", "-R", "1"},
		{"-J", "-T", "3", "-S", filepath.Join(t.TempDir(), "chunks")},
		{"-p", "init=fail"},
		{"--dry-run"},
	} {
		_, out := run(t, host, "{\"a\":[1,{}]}\nb\nc\nd\n", args...)
		if count(out, "ERROR: ") > 0 {
			t.Errorf("%v:\n%s", args, strings.Join(out, "\n"))
		}
	}
	p := start(t, host, nil, "-b", "1", "-g", "0", "-p", "mode=suspend", "-p", "delay=never")
	io.WriteString(p.stdin, "a\nb\n")
	p.await("call Suspend", 2)
	p.signal(syscall.SIGTERM)
	if code, out := p.wait(); code != 0 && count(out, "ERROR: AddressSanitizer") > 0 {
		t.Errorf("SIGTERM:\n%s", strings.Join(out, "\n"))
	}
}
