package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// As a daemon, Fluent Bit forks after it has loaded the plugin. The Go runtime has no
// threads in the child: it must say so and end, and not wait there permanently.
func TestDaemon(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, h host) {
		t.Parallel()
		e := startEndpoint(t, sls.Options{})
		dir := t.TempDir()
		file := filepath.Join(dir, "fluent-bit.log")
		args, service := []string{"-d"}, "    Log_File "+file
		if h.bundled {
			args, service = []string{"-d", "-l", file}, ""
		}
		lines := filepath.Join(dir, "lines")
		if err := os.WriteFile(lines, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p := h.start(t, tailConfig(t, lines, service, "", outputSection(t, e, "    Alias team-a")), args...)
		config := p.cmd.Args[4] // of the child, too, by which it is found
		t.Cleanup(func() {
			for _, pid := range processesWith(t, config) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
		if code := p.wait(20 * time.Second); code != 0 {
			t.Fatalf("exit code %d of the process that forked", code)
		}
		for end := time.Now().Add(20 * time.Second); len(processesWith(t, config)) > 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the daemon does not end")
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := "[error] [output:sls_kafka:team-a] Fluent Bit has become a daemon"; !strings.Contains(string(b), want) {
			t.Errorf("the log file does not hold %q:\n%s", want, b)
		}
	})
}

// processesWith are the processes that have an argument.
func processesWith(t *testing.T, arg string) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f) // fails where the process has ended
		if err == nil && bytes.Contains(b, []byte("\x00"+arg+"\x00")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
