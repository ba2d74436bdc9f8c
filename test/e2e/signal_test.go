package e2e

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

const hasStarted = "project demo-project, logstore demo"

// A stop, a reload and a kill of a host that has nothing to do.
func TestSignalsWhileIdle(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		run := func() *job {
			j := h.startJob(t, func(file string) string {
				return tailConfig(t, file, "    Hot_Reload on", "", outputSection(t, e, ""))
			})
			j.await(hasStarted, 1, 20*time.Second)
			return j
		}
		j := run()
		j.signal(syscall.SIGHUP)
		j.await(hasStarted, 2, 20*time.Second)
		start := time.Now()
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("an idle host took %v to stop", took)
		}
		j = run()
		j.signal(syscall.SIGKILL)
		j.wait(10 * time.Second)
	})
}

// A stop in the middle of the load: what was stored and not acknowledged must
// land at the next start.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	const n = 100_000
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		e.DelayAcks(300 * time.Millisecond)
		dir := t.TempDir()
		file, storage := filepath.Join(dir, "access.log"), filepath.Join(dir, "storage")
		config := tailConfig(t, file, "    storage.path "+storage, fmt.Sprintf("    storage.type filesystem\n    DB %s/tail.db", dir), outputSection(t, e, ""))
		args := []string{}
		if h.bundled {
			args = []string{"-n", "-S", storage, "-t", "test"}
		}
		appendLines(t, file, 0, n)
		p := h.start(t, config, args...)
		waitCount(t, e, 1)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		p = h.start(t, config, args...)
		l := awaitLines(t, e, n, time.Minute)
		t.Logf("%d lines: %v", n, l)
		if l.unique != n {
			t.Errorf("of %d lines: %v", n, l)
		}
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// A reload while the broker is away waits for it, as Fluent Bit does with every
// output, and loses nothing.
func TestReloadWhileBrokerIsAway(t *testing.T) {
	t.Parallel()
	const n = 5000
	eachHost(t, func(t *testing.T, h host) {
		away := startEndpoint(t, sls.Options{})
		section := outputSection(t, away, "")
		away.Close()
		db := filepath.Join(t.TempDir(), "tail.db")
		s := newScraper(t)
		j := h.startJob(t, func(file string) string {
			return tailConfig(t, file, "    Hot_Reload on\n"+s.service, "    DB "+db, section)
		})
		feed(t, j.input, 0, n)
		j.await("cannot reach", 1, 20*time.Second)
		if h.forgetsLines() {
			s.awaitSeries(20*time.Second, `fluentbit_input_records_total{name="tail.0"}`, is(n))
		}
		j.signal(syscall.SIGHUP)
		j.await("will shutdown when all remaining tasks are flushed", 1, 20*time.Second)
		e := startEndpoint(t, sls.Options{Listen: away.Addr(), CA: away.CA()})
		j.await(hasStarted, 2, 40*time.Second)
		wantAll(t, awaitLines(t, e, n, time.Minute), n)
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
