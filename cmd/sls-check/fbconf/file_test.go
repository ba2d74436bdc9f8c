package fbconf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readSoon fails the test where reading waits for anything.
func readSoon(t *testing.T, path string) (c *Config, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err = Read(path, noEnv)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it hangs")
	}
	return c, err
}

// What is not a regular file, and what is too large, is refused wherever it is named.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(syscall.Mkfifo(path("pipe"), 0o600), syscall.Mkfifo(path("pipe.yaml"), 0o600), os.WriteFile(path("huge"), nil, 0o600), os.Truncate(path("huge"), 1<<40)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"pipe": "not a regular file", "/dev/zero": "not a regular file", "huge": "larger than 4 MB"} {
		named := path(name)
		if strings.HasPrefix(name, "/") {
			named = name
		}
		for file, text := range map[string]string{
			"include.conf":  "@INCLUDE " + named + "\n",
			"include.yaml":  "includes:\n  - " + named + "\n",
			"variable.yaml": "env:\n  A: file://" + named + "\n" + pipeline,
			"":              "",
		} {
			main := named
			if file != "" {
				main = path(file)
				if err := os.WriteFile(main, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := readSoon(t, main); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %s: %v, want %q", file, name, err, want)
			}
		}
	}
	if _, err := readSoon(t, path("pipe.yaml")); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe in YAML: %v", err)
	}
}

// Values of variables cannot grow without bound.
func TestLongVariables(t *testing.T) {
	t.Parallel()
	megabyte := strings.Repeat("A", 1<<20)
	for name, text := range map[string]string{
		"in one line":   "@SET A=" + megabyte + "\n[OUTPUT]\n    Name x\n    project " + strings.Repeat("${A}", 1000) + "\n",
		"in many lines": "@SET A=" + megabyte + "\n[OUTPUT]\n    Name x\n" + strings.Repeat("    project ${A}\n", 1000),
	} {
		file := filepath.Join(t.TempDir(), "fluent-bit.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readSoon(t, file)
		if err == nil || !strings.Contains(err.Error(), "more than 32 MB in all") {
			t.Errorf("%s: %v", name, err)
		}
		total := 0
		for _, s := range c.Sections {
			for _, p := range s.Properties {
				total += len(p.Value)
			}
		}
		if total > 2*maxBytes {
			t.Errorf("%s: %d bytes of values", name, total)
		}
	}
}

// Nor can many files.
func TestManyLargeFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	main := ""
	for i := range 12 {
		name := fmt.Sprintf("part%d.conf", i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("#\n", 3<<19)), 0o600); err != nil {
			t.Fatal(err)
		}
		main += "@INCLUDE " + name + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "fluent-bit.conf"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSoon(t, filepath.Join(dir, "fluent-bit.conf")); err == nil || !strings.Contains(err.Error(), "more than 32 MB in all") {
		t.Error(err)
	}
}
