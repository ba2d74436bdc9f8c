package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The CA's key and the logs are for their owner alone, also where a file with another mode was.
func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	ca, out := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "logs.json")
	if err := os.WriteFile(ca+keyEnding, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(ca+keyEnding, 0o666); err != nil {
		t.Fatal(err)
	}
	c := startCommand(t, "-ca-file", ca, "-out", out)
	c.stop()
	for path, want := range map[string]fs.FileMode{ca + keyEnding: 0o600, out: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", filepath.Base(path), info.Mode(), err)
		}
	}
}

// Who serves the page to others is told what that means.
func TestPageBeyondLoopback(t *testing.T) {
	for address, warned := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		c := startCommand(t, "-http", address)
		page := c.line()
		c.stop()
		rest := c.line()
		if !strings.HasPrefix(page, "page on http://") || strings.HasPrefix(rest, "warning: whoever reaches that address") != warned {
			t.Errorf("%s: %q, then %q", address, page, rest)
		}
	}
}
