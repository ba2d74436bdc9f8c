package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

const kept = "kept in spool_path"

// feedFor feeds lines for a while, ten times a second, and returns how many there are then.
func feedFor(t *testing.T, j *job, fed int, d time.Duration) int {
	t.Helper()
	more := time.NewTicker(100 * time.Millisecond)
	defer more.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-more.C {
		feed(t, j.input, fed, fed+50)
		fed += 50
	}
	return fed
}

// A stop in an outage costs nothing, though nothing but the spool keeps what waits: it is
// over in time, and after the next start everything lands, once.
func TestStopInAnOutageWithASpool(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		if err := e.SetFault(sls.Fault{Name: sls.ConnectionCut}); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		section := outputSection(t, e, fmt.Sprintf("    exit_timeout 1s\n    spool_path %s/spool", dir))
		var config string
		j := h.startJob(t, func(file string) string {
			config = tailConfig(t, file, "", fmt.Sprintf("    DB %s/tail.db", dir), section)
			return config
		})
		j.await(hasStarted, 1, 10*time.Second)
		fed := feedFor(t, j, 0, 6*time.Second)
		j.await(kept, 1, 20*time.Second)
		fed = feedFor(t, j, fed, 2*time.Second)
		time.Sleep(time.Second) // that Fluent Bit reads the last lines is not to be seen
		begin := time.Now()
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("the stop took %v, with a Grace of 2 s and an exit_timeout of 1 s", took)
		}
		e.ClearFault(sls.ConnectionCut)
		args := []string{}
		if h.bundled {
			args = []string{"-t", "test"}
		}
		p := h.start(t, config, args...)
		p.await("were left there, and are delivered now", 1, 10*time.Second)
		wantAll(t, awaitLines(t, e, fed, time.Minute), fed)
		p.await("the spool is empty", 1, 10*time.Second)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "spool", "*.spool")); len(left) > 0 {
			t.Errorf("files are left in the spool: %q", left)
		}
	})
}

// A reload in an outage goes through: Fluent Bit waits for what its outputs hold, without a
// limit, and with a spool they hold nothing.
func TestReloadInAnOutageWithASpool(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		if err := e.SetFault(sls.Fault{Name: sls.ConnectionCut}); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		j := h.startJob(t, func(file string) string {
			return tailConfig(t, file, "    Hot_Reload on", fmt.Sprintf("    DB %s/tail.db", dir), outputSection(t, e, fmt.Sprintf("    spool_path %s/spool", dir)))
		})
		j.await(hasStarted, 1, 10*time.Second)
		fed := 0
		for i := range 3 {
			fed = feedFor(t, j, fed, 4*time.Second)
			j.signal(syscall.SIGHUP)
			j.awaitReload(h, i+1)
		}
		e.ClearFault(sls.ConnectionCut)
		l := awaitLines(t, e, fed, time.Minute)
		if l.unique != fed {
			t.Errorf("of %d lines: %v", fed, l)
		}
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// In an outage the pipelines of others go on, however few places Fluent Bit has for chunks:
// sixty inputs with filesystem storage would use up 32 in seconds.
func TestOutageWithASpool(t *testing.T) {
	t.Parallel()
	for _, fault := range []sls.Fault{{Name: sls.ConnectionCut}, {Name: sls.AckDelay, Delay: time.Hour}} {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			eachHost(t, func(t *testing.T, h host) {
				if h.bundled {
					t.Skip("the bundled host has no storage.max_chunks_up")
				}
				e := startEndpoint(t, sls.Options{})
				dir := t.TempDir()
				other := filepath.Join(dir, "other.log")
				p := h.start(t, placesConfig(h, dir, outputSection(t, e, fmt.Sprintf("    spool_path %s/spool\n    request_timeout 2s", dir))))
				p.await(hasStarted, 1, 10*time.Second)
				if err := e.SetFault(fault); err != nil {
					t.Fatal(err)
				}
				p.await(kept, 1, 30*time.Second)
				before := linesOf(other)
				const window = 20 * time.Second
				time.Sleep(window)
				due := int(window.Seconds()) * 10
				got := linesOf(other) - before
				t.Logf("the other output got %d lines in %v, %d were due", got, window, due)
				if got < due*95/100 {
					t.Errorf("the other output got %d lines in %v, want at least 95%% of %d", got, window, due)
				}
				e.ClearFault(fault.Name)
				e.DelayAcks(0)
				p.await("the spool is empty", 1, time.Minute)
				if code := p.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		})
	}
}

// placesConfig is inputs that send about eight chunks a second together, and one that
// goes elsewhere, with 32 places for chunks.
func placesConfig(h host, dir, output string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[SERVICE]\n    Flush 1\n    Grace 2\n    storage.path %s/storage\n    storage.max_chunks_up 32\n", dir)
	inputs, often := 60, func(i int) string { // not all in the same moment
		return fmt.Sprintf("    Interval_Sec %d\n    Interval_Nsec %d\n", 6+i%5, i*16_000_000)
	}
	if strings.Contains(h.name, "v1.") { // where dummy gives once a second at least
		inputs, often = 8, func(int) string { return "    Rate 1\n" }
	}
	for i := range inputs {
		fmt.Fprintf(&b, "[INPUT]\n    Name dummy\n    Tag test%d\n    storage.type filesystem\n%s", i, often(i))
	}
	b.WriteString("[INPUT]\n    Name dummy\n    Tag other\n    Rate 10\n    storage.type filesystem\n")
	fmt.Fprintf(&b, "[OUTPUT]\n    Name file\n    Match other\n    Path %s\n    File other.log\n", dir)
	b.WriteString(output)
	return b.String()
}

// linesOf is how many lines a file has; none where it is not there.
func linesOf(file string) int {
	b, _ := os.ReadFile(file)
	return strings.Count(string(b), "\n")
}
