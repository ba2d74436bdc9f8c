package plugin

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// hangLetters has an output write its dead letters to a file whose writer waits until
// somebody reads it, which goOn does: what a network file system does whose server is gone.
func hangLetters(t *testing.T, o *Output) (path string, goOn func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "letters")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	o.deadLetterFile.path = path // no pipe may be configured, and a regular file does not hang
	if o.deadLetterFile.file, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		for b := make([]byte, 1<<20); ; {
			if _, err := reader.Read(b); err != nil {
				return
			}
		}
	}
}

// endsWithin fails where f takes longer; it goes on then.
func endsWithin(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Errorf("not in %v: %s", limit, what)
	}
}

// openings counts this process's descriptors of a file.
func openings(t *testing.T, path string) (n int) {
	t.Helper()
	file, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	const directory = "/proc/self/fd"
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// A descriptor may be closed in between.
		if open, err := os.Stat(filepath.Join(directory, e.Name())); err == nil && os.SameFile(open, file) {
			n++
		}
	}
	return n
}

// A dead letter file that hangs holds up neither the end of the output nor,
// once it goes on, its descriptor. In real time: fake time stands still while a
// file hangs.
func TestCloseWhileDeadLettersHang(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	_, properties := network.startEndpoint(t, sls.Options{})
	properties["dead_letter_file"], properties["max_message_bytes"], properties["exit_timeout"] = filepath.Join(t.TempDir(), "regular"), "1K", "100ms"
	h := &memoryLogger{t: t}
	log := NewLog(h, "test")
	o, err := New(network.parse(t, properties), Env{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	file, goOn := hangLetters(t, o)
	letters := o.deadLetterFile
	const length, pipe = 10_000, 64 << 10
	submit(o, events(0, 200, strings.Repeat("x", length)))
	eventually(t, "a write begun, which is more than the pipe takes", func() bool {
		idle := letters.mu.TryLock()
		if idle {
			letters.mu.Unlock()
		}
		return !idle
	})
	endsWithin(t, 100*time.Millisecond+stopTimeout+5*time.Second, "Close, with an exit_timeout of 100ms", func() {
		if !o.Close() {
			t.Error("a chunk has no result")
		}
	})
	log.Drain()
	h.wait("did not end")
	if n := o.stats.rejected.Load(); n != o.stats.deadLetters.kept.Load() || n > pipe/length || n == 0 && h.count("kept in") > 0 {
		t.Errorf("%d records count as rejected, %d as kept, and %d lines say where: the pipe takes %d", n, o.stats.deadLetters.kept.Load(), h.count("kept in"), pipe/length)
	}
	go goOn()
	eventually(t, "the file closed once its write is over", func() bool { return openings(t, file) == 1 })
	runtime.KeepAlive(o) // until here: a file that is garbage is closed, too
}
