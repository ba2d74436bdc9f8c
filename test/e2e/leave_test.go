package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Fluent Bit's event loop links the events that it has queued to each other. An
// event's memory may be freed only after mk_event_del; closing its descriptor
// does not unlink it.
func TestNoEventIsLeftBehind(t *testing.T) {
	t.Parallel()
	const n = 1000
	e := startEndpoint(t, sls.Options{})
	j := bundled(t).startJob(t, func(file string) string {
		return tailConfig(t, file, "    Hot_Reload on", "", outputSection(t, e, ""))
	})
	feed(t, j.input, 0, n)
	waitCount(t, e, n)
	j.signal(syscall.SIGHUP)
	j.await(hasStarted, 2, 20*time.Second)
	feed(t, j.input, n, 2*n)
	waitCount(t, e, 2*n)
	if code := j.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left := strings.Count(j.out.String(), "exited without mk_event_del"); left > 0 {
		t.Errorf("%d events are left in the loops of the engine", left)
	}
}

// Nor is one left where a goroutine of the output hangs, here as it opens a file, and
// most of the instance is kept for it.
func TestNoEventIsLeftBehindByHangingOutput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "letters")
	e := startEndpoint(t, sls.Options{})
	j := bundled(t, "-DHOST_HANG").startJob(t, func(in string) string {
		return tailConfig(t, in, "", "", outputSection(t, e, "    dead_letter_file "+file+"\n    max_message_bytes 1K\n    exit_timeout 1s"))
	})
	line := "n=0 " + strings.Repeat("x", 10_000) + "\n"
	if _, err := j.input.Write([]byte(strings.Repeat(line, 100))); err != nil {
		t.Fatal(err)
	}
	j.await("rejected", 1, 20*time.Second)
	if code := j.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	out := j.out.String()
	if !strings.Contains(out, "did not end in") {
		t.Error("nothing hung")
	}
	if left := strings.Count(out, "exited without mk_event_del"); left > 0 {
		t.Errorf("%d events are left in the loop of the engine", left)
	}
}
