package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// writeFile puts a file into a directory of the test and returns its path.
func writeFile(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const ours = "[OUTPUT]\n    Name sls_kafka\n    Match *\n    project my-project\n    logstore web\n    region cn-hangzhou\n    Retry_Limit no_limits\n"

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Nobody may take half a report for a good one.
func TestReportThatCannotBeWritten(t *testing.T) {
	for _, arguments := range [][]string{{"-c", "testdata/fine.conf"}, {"-h"}} {
		var stderr strings.Builder
		status := execute(t.Context(), arguments, credentials, brokenWriter{}, &stderr)
		if status != statusErrors || stderr.String() != "sls-check: write to standard output: no space left on device\n" {
			t.Errorf("%q: status %d, %q", arguments, status, stderr.String())
		}
	}
}

// What a configuration holds must not reach the terminal as commands.
func TestReportIsPlainText(t *testing.T) {
	report, _ := diagnose(t, "-c", writeFile(t, "fluent-bit.conf", ours+"    col\x1b[31mor red\n    b\xffd key\n"))
	if strings.ContainsRune(report, '\x1b') || !strings.Contains(report, `col\x1b[31mor`) || !strings.Contains(report, "b\ufffdd") {
		t.Errorf("%q", report)
	}
}

func TestNothingToTryOnline(t *testing.T) {
	for _, file := range []string{"testdata/none.conf", "testdata/no-output.conf"} {
		report, status := diagnose(t, "-online", "-c", file)
		if status != statusErrors || !strings.HasSuffix(report, "\nnot tried online: the configuration has no output of sls_kafka\n") {
			t.Errorf("%s: status %d:\n%s", file, status, report)
		}
	}
}

// A pipe is refused, not waited for.
func TestPipeAsConfiguration(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if report, status := diagnose(t, "-c", fifo); status != statusErrors || !strings.Contains(report, "not a regular file") {
		t.Errorf("status %d:\n%s", status, report)
	}
}

// Who interrupts the walk reads that, and no advice about the step that was interrupted.
func TestInterruptOnline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	file, _ := outputOf(t, e, map[string]string{"endpoint": l.Addr().String() + "," + e.Addr()})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, text...), 0o600); err != nil { // two outputs
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var out strings.Builder
	status := execute(ctx, []string{"-c", file, "-online"}, credentials, &out, io.Discard)
	report := strings.Join(strings.Fields(out.String()), " ")
	_, after, found := strings.Cut(report, "TLS - interrupted")
	if status != statusErrors || !found || strings.Contains(after, "do:") || strings.Contains(after, "DNS") || strings.Contains(after, "SASL") || !strings.HasSuffix(after, "not tried online: interrupted") {
		t.Errorf("status %d:\n%s", status, out.String())
	}
}

// A Plugins_File that is the plugin, or a directory, is the slip of who has -e in mind.
func TestPluginsFileIsNone(t *testing.T) {
	dir := t.TempDir()
	object := writeFile(t, "out_sls_kafka.so", "\x7fELF\x02\x01\x01\n\x00\x03\n")
	for path, want := range map[string]string{
		object: "do:  write a file with a section [PLUGINS] and Path " + object + " in it, and name that file",
		dir:    "warning: Plugins_File is a directory, and none of its files is read",
	} {
		report, _ := diagnose(t, "-c", writeFile(t, "fluent-bit.conf", "[SERVICE]\n    Plugins_File "+path+"\n"+ours))
		if !strings.Contains(report, want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
}
