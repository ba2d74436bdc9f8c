// Package e2e drives the shared object as users do: with a configuration file,
// by Fluent Bit itself where there is one, and by the bundled host everywhere.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"out_sls_kafka/test/run"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaries are what all tests share, built once by TestMain.
var binaries struct {
	dir     string // of the bundled hosts
	plugin  string
	fluents []fluentBit
}

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sls-kafka-e2e")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries.dir = dir
	binaries.plugin = filepath.Join(dir, "out_sls_kafka.so")
	if err := run.BuildPlugin(binaries.plugin); err != nil {
		fmt.Println(err)
		return 1
	}
	paths, err := run.FluentBits()
	switch {
	case errors.Is(err, run.ErrNoFluentBit):
		fmt.Printf("%v: the tests run on the bundled host alone\n", err)
	case err != nil:
		fmt.Println(err)
		return 1
	}
	for _, path := range paths {
		version, err := run.Version(path)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Printf("the tests run on the bundled host and on %s (%s)\n", version, path)
		binaries.fluents = append(binaries.fluents, fluentBit{path, version})
	}
	return m.Run()
}

// fluentBit is one of those that FLUENT_BITS or FLUENT_BIT names, or the one on PATH.
type fluentBit struct{ path, version string }

// host is a program that loads the plugin.
type host struct {
	name    string
	bundled bool
	path    string
}

// perOutputLevel tells whether the log_level of an output has an effect on a plugin.
func (h host) perOutputLevel() bool {
	return !strings.Contains(h.name, "v1.9") && !strings.Contains(h.path, "VERSION=10910")
}

// needSeveral skips a test of several outputs on a Fluent Bit that crashes when it ends
// with more than one of a Go plugin (fluent/fluent-bit#6469).
func (h host) needSeveral(t *testing.T) {
	t.Helper()
	if strings.Contains(h.name, "v1.") {
		t.Skipf("%s crashes at its end with several outputs of a Go plugin", h.name)
	}
}

// needDatabase skips a test on a Fluent Bit that was built without SQLite: its tail has no
// DB, and refuses to start.
func (h host) needDatabase(t *testing.T, config string) {
	t.Helper()
	if h.bundled || !strings.Contains(config, "\n    DB ") {
		return
	}
	help, err := exec.Command(h.path, "-i", "tail", "-h").CombinedOutput()
	if err == nil && !bytes.Contains(help, []byte("\ndb ")) {
		t.Skipf("%s was built without SQLite: tail has no DB", h.name)
	}
}

// awaitReload waits for the end of the nth reload: a signal that comes earlier is ignored.
func (j *job) awaitReload(h host, n int) {
	j.t.Helper()
	j.await(hasStarted, n+1, 20*time.Second)
	if h.bundled || strings.Contains(h.name, "v5.") {
		j.await(" done", n, 20*time.Second)
	} else {
		time.Sleep(500 * time.Millisecond) // older versions do not tell
	}
}

// eachHost runs a test on every host there is; the subtest's name says on which.
func eachHost(t *testing.T, test func(t *testing.T, h host)) {
	t.Run("bundled host", func(t *testing.T) { test(t, bundled(t)) })
	for _, f := range binaries.fluents {
		t.Run(f.version, func(t *testing.T) { test(t, host{name: f.version, path: f.path}) })
	}
}

var (
	hostsMu sync.Mutex
	hosts   = map[string]string{}
)

// bundled builds the bundled host, with defines that change how it looks to
// the plugin. HOST_VERSION in the environment is the version it imitates, such as
// 10910 for 1.9.10, where a test does not say that; HOST_CFLAGS are added.
func bundled(t *testing.T, defines ...string) host {
	t.Helper()
	if v := os.Getenv("HOST_VERSION"); v != "" && !strings.Contains(strings.Join(defines, ""), "VERSION=") {
		defines = append([]string{"-DHOST_VERSION=" + v}, defines...)
	}
	hostsMu.Lock()
	defer hostsMu.Unlock()
	name := "host" + strings.Join(defines, "")
	if hosts[name] == "" {
		sources, err := filepath.Glob("../host/src/*.c")
		if err != nil || len(sources) == 0 {
			t.Fatalf("no sources of the bundled host: %v", err)
		}
		path := filepath.Join(binaries.dir, name)
		args := append(strings.Fields("-O1 -g -rdynamic "+os.Getenv("HOST_CFLAGS")+" -o "+path), defines...)
		args = append(append(args, sources...), "-ldl", "-lpthread")
		if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
			t.Fatalf("building the bundled host: %v\n%s", err, out)
		}
		hosts[name] = path
	}
	return host{name: "bundled host", bundled: true, path: hosts[name]}
}

// process is a running host.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *lines
	done chan struct{}
}

// start runs the host with a configuration; the bundled host reads its standard
// input unless args say otherwise. The process is killed with the test.
func (h host) start(t *testing.T, config string, args ...string) *process {
	t.Helper()
	h.needDatabase(t, config)
	file := filepath.Join(t.TempDir(), "fluent-bit.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return h.run(t, append([]string{"-e", binaries.plugin, "-c", file}, args...)...)
}

func (h host) run(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(h.path, args...), out: &lines{grown: make(chan struct{})}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("output of %s:\n%s", h.name, p.out.tail(60))
		}
	})
	return p
}

// wait waits for the end of the process and returns its exit code.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("%s still runs after %v", p.cmd.Path, limit)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Logf("%s: %v", p.cmd.Path, p.cmd.ProcessState) // a signal has no code
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stop asks the process to end, as a service manager does, and waits. The
// bundled host may have ended by itself: it does at the end of its input.
func (p *process) stop() int {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.wait(30 * time.Second)
}

// await waits until the output holds text for the nth time.
func (p *process) await(text string, n int, limit time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		count, grown := p.out.count(text)
		if count >= n {
			return
		}
		select {
		case <-grown:
		case <-p.done:
			if count, _ := p.out.count(text); count >= n {
				return
			}
			p.t.Fatalf("the process ended, its output holds %q %d times, want %d", text, count, n)
		case <-ctx.Done():
			p.t.Fatalf("the output holds %q %d times after %v, want %d", text, count, limit, n)
		}
	}
}

// lines collects output and tells when there is more.
type lines struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.grown)
	l.grown = make(chan struct{})
	return l.text.Write(p)
}

func (l *lines) count(text string) (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(text)), l.grown
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) tail(n int) string {
	all := strings.Split(l.String(), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
