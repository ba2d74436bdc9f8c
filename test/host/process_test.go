package host_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
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

// compile builds one variant of the host, or with plugin the test plugin.
func compile(t *testing.T, plugin bool, flags ...string) string {
	t.Helper()
	if plugin {
		return build(t, "testplugin/*.c", append([]string{"-shared", "-fPIC"}, flags...)...)
	}
	return build(t, "src/*.c", append([]string{"-rdynamic"}, flags...)...)
}

// build compiles the sources of a pattern once for all tests.
func build(t *testing.T, pattern string, flags ...string) string {
	t.Helper()
	compiled.Lock()
	defer compiled.Unlock()
	key := fmt.Sprint(pattern, flags)
	if path, ok := compiled.paths[key]; ok {
		return path
	}
	path := filepath.Join(compiled.dir, fmt.Sprintf("%d.bin", len(compiled.paths)))
	sources, err := filepath.Glob(pattern)
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources %s: %v", pattern, err)
	}
	args := append([]string{"-O0", "-g", "-Wall", "-Wextra", "-Werror", "-o", path}, flags...)
	args = append(append(args, sources...), "-ldl", "-lpthread")
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

func threadName(path string) string {
	return filepath.Base(path)[:min(15, len(filepath.Base(path)))]
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
