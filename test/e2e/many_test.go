package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/example"
	"out_sls_kafka/test/sls"
)

// Forty inputs with their own tags, 400 chunks of five records a second, each
// acknowledged 150 ms later.
func TestManySmallChunks(t *testing.T) {
	t.Parallel()
	const (
		tags   = 40
		events = 500 // of each tag, 50 a second
		n      = tags * events
	)
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		e.DelayAcks(150 * time.Millisecond)
		section := outputSection(t, e, "    tag_key tag")
		var j *job
		if h.bundled {
			j = h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", section) },
				"-T", strconv.Itoa(tags), "-b", "5", "-r", "400", "-f", "100")
			feed(t, j.input, 0, n)
		} else {
			config := "[SERVICE]\n    Flush 0.1\n    Grace 2\n"
			for i := range tags {
				config += fmt.Sprintf("[INPUT]\n    Name dummy\n    Tag test.%d\n    Rate 50\n    Samples %d\n", i, events)
			}
			j = &job{process: h.start(t, config+section)}
		}
		waitCount(t, e, n/5)
		early := residentKiB(t, j)
		waitCount(t, e, n)
		late := residentKiB(t, j)
		t.Logf("%d records in %d produce requests; resident %d KiB after a fifth, %d KiB at the end", e.Count("demo"), e.ProduceRequests(), early, late)
		if late > early+20<<10 {
			t.Errorf("memory grew from %d to %d KiB", early, late)
		}
		perTag := make(map[string]int)
		for _, l := range e.Logs("demo") {
			for _, f := range l.Fields() {
				if f.Key == "tag" {
					perTag[f.Value]++
				}
			}
		}
		if got := e.Count("demo"); got != n || len(perTag) != tags {
			t.Errorf("%d records of %d tags landed, want %d of %d", got, len(perTag), n, tags)
		}
		for tag, count := range perTag {
			if count != events {
				t.Errorf("tag %s: %d records, want %d", tag, count, events)
			}
		}
		if !h.bundled {
			j.stop()
			return
		}
		j.input.Close()
		if code := j.wait(30 * time.Second); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// residentKiB is the process's resident memory.
func residentKiB(t *testing.T, j *job) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", j.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// Two sections side by side, each with its own state: other logstores, other
// options.
func TestTwoOutputs(t *testing.T) {
	const n = 1000
	eachHost(t, func(t *testing.T, h host) {
		h.needSeveral(t)
		e := startEndpoint(t, sls.Options{Logstores: []string{"demo", "plain"}})
		second := strings.Replace(outputSection(t, e, "    parse_json off\n    format raw\n    compression none"), "logstore          demo", "logstore          plain", 1)
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", outputSection(t, e, ""), second) })
		feed(t, j.input, 0, n)
		wantAll(t, awaitLines(t, e, n, 30*time.Second), n)
		waitLogstore(t, e, "plain", n)
		fields := e.Logs("plain")[0].Fields()
		if len(fields) != 1 || fields[0].Key != "content" || !strings.HasPrefix(fields[0].Value, "n=") {
			t.Errorf("raw record landed as %v", fields)
		}
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// An Init that fails between others must not break those: the host gives
// ExitCtx to the first and a NULL context to the third.
func TestSecondOfThreeOutputsFails(t *testing.T) {
	eachHost(t, func(t *testing.T, h host) {
		h.needSeveral(t)
		e := startEndpoint(t, sls.Options{})
		good := outputSection(t, e, "")
		bad := strings.Replace(good, "project           demo-project", "project           -", 1)
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", good, bad, good) })
		if code := j.wait(20 * time.Second); code != 255 {
			t.Errorf("exit code %d, want 255", code)
		}
		if out := j.out.String(); !strings.Contains(out, `option project = "-"`) || strings.Contains(out, "panic") {
			t.Errorf("output:\n%s", out)
		}
	})
}

func TestDryRun(t *testing.T) {
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", outputSection(t, e, "")) }, "--dry-run")
		if code := j.wait(20 * time.Second); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if h.bundled {
			return // it has no options of inputs to examine
		}
		// docs/tools.md: 5.1.1 examines the options of other plugins, 4.2.8 and before call any of them right.
		p := h.start(t, "[INPUT]\n    Name dummy\n    nonsense 1\n"+outputSection(t, e, ""), "--dry-run")
		if code, examines := p.wait(20*time.Second), strings.Contains(h.name, "v5."); (code != 0) != examines {
			t.Errorf("exit code %d after an unknown option of the input, an error: want %v", code, examines)
		}
	})
}

// The shipped example must work as it stands, but for the place of SLS.
func TestExampleConfiguration(t *testing.T) {
	const n = 1000
	text, err := os.ReadFile("../../fluent-bit.conf.example")
	if err != nil {
		t.Fatal(err)
	}
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		dir := t.TempDir()
		ca, file, storage := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "app.log"), filepath.Join(dir, "storage")
		if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(storage, 0o700); err != nil { // the bundled host does not make it
			t.Fatal(err)
		}
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			fmt.Fprintf(f, "n=%d hello\n", i)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		config, err := example.Config(string(text), e.Addr(), ca)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{"SLS_PROJECT": "demo-project", "SLS_LOGSTORE": "demo", "SLS_ACCESS_KEY_ID": "demo-id",
			"SLS_ACCESS_KEY_SECRET": "demo-secret", "LOG_PATH": file, "STORAGE_PATH": storage} {
			t.Setenv(k, v)
		}
		var args []string
		if h.bundled {
			args = []string{"-n"} // its input is the file that the configuration names
		}
		p := h.start(t, config, args...)
		l := awaitLines(t, e, n, 30*time.Second)
		if l.unique != n || l.duplicates != 0 {
			t.Errorf("of %d lines: %v", n, l)
		}
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if _, err := os.Stat(storage + "-spool/lock"); err != nil {
			t.Errorf("the spool was not in use: %v", err)
		}
	})
}
