package regular

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A regular file of any size up to the limit is read whole; nothing else holds the reader up.
func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, size := range map[string]int{"empty": 0, "largest": maxBytes, "huge": maxBytes + 1} {
		if err := os.WriteFile(at(name), bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(syscall.Mkfifo(at("pipe"), 0o600), os.Symlink(at("largest"), at("link")), os.Symlink(at("pipe"), at("link to a pipe"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		size int
		err  error
	}{
		at("empty"): {}, at("largest"): {size: maxBytes}, at("link"): {size: maxBytes}, at("huge"): {err: ErrTooLarge},
		at("pipe"): {err: ErrNotRegular}, at("link to a pipe"): {err: ErrNotRegular}, "/dev/zero": {err: ErrNotRegular},
		dir: {err: syscall.EISDIR}, at("absent"): {err: os.ErrNotExist},
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			if content, err := Read(path); len(content) != want.size || !errors.Is(err, want.err) {
				t.Errorf("%s: %d bytes, error %v; want %d, %v", path, len(content), err, want.size, want.err)
			}
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("%s is still being read", path)
		}
	}
	if content, err := Read("/proc/self/status"); err != nil || len(content) == 0 { // its size is 0
		t.Errorf("%d bytes, error %v", len(content), err)
	}
}
