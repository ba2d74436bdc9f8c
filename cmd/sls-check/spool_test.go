package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// diskDir is a directory that is not in memory, which would be a finding itself: that of the sources where the one for
// temporary files is.
func diskDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if !inMemory(dir) {
		return dir
	}
	dir, err := filepath.Abs("testdata")
	if err == nil {
		dir, err = os.MkdirTemp(dir, "disk-")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if inMemory(dir) {
		t.Skip("the directory for temporary files and that of the sources are in memory: set TMPDIR")
	}
	return dir
}

// spoolConfig is a configuration that needs no advice but on the spool: n inputs of a storage, and outputs with these
// lines, one output each.
func spoolConfig(service string, n int, storage string, outputs ...string) string {
	var b strings.Builder
	b.WriteString("[SERVICE]\n    storage.path DIR/storage\n" + service)
	for i := range n {
		fmt.Fprintf(&b, "[INPUT]\n    Name dummy\n    Tag t%d\n    storage.type %s\n", i, storage)
	}
	for i, lines := range outputs {
		fmt.Fprintf(&b, "[OUTPUT]\n    Name sls_kafka\n    Match *\n    project my-project\n    logstore web-%d\n    region cn-hangzhou\n    Retry_Limit no_limits\n%s", i, lines)
	}
	return b.String()
}

func TestSpoolFindings(t *testing.T) {
	const up32, up128 = "    storage.max_chunks_up 32\n", "    storage.max_chunks_up 128\n"
	const own, with = "    spool_path DIR/spool\n", "    spool_path DIR/"
	for name, c := range map[string]struct {
		config string
		want   []string // of the findings about spools, in their order
	}{
		"few places":                        {spoolConfig(up32, 1, "filesystem", ""), []string{"warning: spool_path is not set, and inputs with storage.type filesystem have 32 places for chunks"}},
		"places below 0":                    {spoolConfig("    storage.max_chunks_up -1\n", 1, "filesystem", ""), []string{"warning: spool_path is not set, and inputs with storage.type filesystem have 64 places for chunks"}},
		"few places, a spool":               {spoolConfig(up32, 1, "filesystem", own), nil},
		"few places, in memory":             {spoolConfig(up32, 20, "memory", ""), nil},
		"few places for one of two":         {spoolConfig(up32, 1, "filesystem", own, ""), []string{"warning: spool_path is not set, and inputs"}},
		"an empty spool_path":               {spoolConfig(up32, 1, "filesystem", "    spool_path ${NONE:-}\n"), []string{"warning: spool_path is not set, and inputs"}},
		"the usual places":                  {spoolConfig("", 1, "filesystem", ""), nil},
		"places of 0, the usual":            {spoolConfig("    storage.max_chunks_up 0\n", 1, "filesystem", ""), nil},
		"a quarter of the places":           {spoolConfig("    storage.max_chunks_up 400\n", 20, "filesystem", ""), nil},
		"more than a quarter of the places": {spoolConfig(up128, 33, "filesystem", ""), []string{"warning: spool_path is not set, and 33 inputs with storage.type filesystem share 128 places"}},
		"twenty inputs":                     {spoolConfig("", 20, "memory", ""), nil},
		"more than twenty inputs":           {spoolConfig("", 21, "memory", ""), []string{"warning: spool_path is not set, and there are 21 inputs"}},
		"many inputs, a spool":              {spoolConfig(up32, 60, "filesystem", own), nil},

		"in storage.path":            {spoolConfig("", 1, "filesystem", with+"storage/spool\n"), []string{"warning: spool_path DIR/storage/spool is in storage.path"}},
		"storage.path itself":        {spoolConfig("", 1, "filesystem", with+"other/../storage/\n"), []string{"is in storage.path"}},
		"in storage.path by a link":  {spoolConfig("", 1, "filesystem", with+"link/spool\n"), []string{"is in storage.path"}},
		"next to storage.path":       {spoolConfig("", 1, "filesystem", with+"storage-spool\n"), nil},
		"one directory for two":      {spoolConfig("", 1, "filesystem", own, own), []string{"error: spool_path DIR/spool is taken"}},
		"one directory for three":    {spoolConfig("", 1, "filesystem", own, own, own), []string{"error: spool_path DIR/spool is taken", "error: spool_path DIR/spool is taken"}},
		"one directory by two names": {spoolConfig("", 1, "filesystem", with+"real\n", with+"real/../name/\n"), []string{"error: spool_path DIR/real/../name/ is taken"}},
		"a directory for each":       {spoolConfig("", 1, "filesystem", own, with+"spool2\n"), nil},

		"all places held":           {spoolConfig(up32, 1, "filesystem", own+"    max_held_chunks 32\n"), []string{"warning: max_held_chunks is 32, and storage.max_chunks_up 32"}},
		"all of few places held":    {spoolConfig("    storage.max_chunks_up 16\n", 1, "filesystem", own), []string{"warning: max_held_chunks is 16, and storage.max_chunks_up 16"}},
		"all but one place held":    {spoolConfig(up32, 1, "filesystem", own+"    max_held_chunks 31\n"), nil},
		"all places held in memory": {spoolConfig(up32, 1, "memory", own+"    max_held_chunks 32\n"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := diskDir(t)
			for _, made := range []string{"storage", "real"} {
				if err := os.Mkdir(filepath.Join(dir, made), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for link, to := range map[string]string{"link": "storage", "name": "real"} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			wantSpoolFindings(t, dir, c.config, c.want)
		})
	}
}

// wantSpoolFindings examines a configuration and compares the findings that name the spool or its options.
func wantSpoolFindings(t *testing.T, dir, config string, want []string) {
	t.Helper()
	path := filepath.Join(dir, "fluent-bit.conf")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(config, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	report, status := diagnose(t, "-c", path)
	var found []string
	failed := false
	for line := range strings.Lines(report) {
		line = strings.ReplaceAll(line, dir, "DIR")
		if !strings.HasPrefix(line, " ") && (strings.Contains(line, "spool_path") || strings.Contains(line, "max_held_chunks")) {
			found = append(found, line)
			failed = failed || strings.Contains(line, ": error: ")
		}
	}
	if len(found) != len(want) || failed != (status == statusErrors) {
		t.Fatalf("status %d, found %q, want %q; the report:\n%s", status, found, want, report)
	}
	for i := range want {
		if !strings.Contains(found[i], want[i]) {
			t.Errorf("found %q, want %q", found[i], want[i])
		}
	}
}

func TestSpoolInMemory(t *testing.T) {
	const memory = "/dev/shm"
	if !inMemory(memory) {
		t.Skip(memory + " is not a file system in memory here: that one is found is not tested")
	}
	const in, below = "    spool_path /dev/shm/sls-check-none\n", "    spool_path /dev/shm/sls-check-none/deeper/still\n"
	for _, lines := range []string{in, below} {
		wantSpoolFindings(t, t.TempDir(), spoolConfig("", 1, "filesystem", lines), []string{"is on a file system in memory"})
	}
}

// The file systems of this machine say nothing of another one's.
func TestSpoolOfAnotherMachine(t *testing.T) {
	root := t.TempDir()
	config := spoolConfig("", 1, "filesystem", "    spool_path /dev/shm/spool\n", "    spool_path /storage/spool\n")
	if err := os.WriteFile(filepath.Join(root, "fluent-bit.conf"), []byte(strings.ReplaceAll(config, "DIR", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	report, _ := diagnose(t, "-c", filepath.Join(root, "fluent-bit.conf"), "-root", root)
	if strings.Contains(report, "in memory") || !strings.Contains(report, "spool_path /storage/spool is in storage.path") {
		t.Errorf("the report:\n%s", report)
	}
}
