package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

var rounds = flag.Int("rounds", 3, "how often TestKill kills the host")

// The host is killed again and again while the broker is away, and once while
// it is there; what was tailed must land all the same.
func TestKill(t *testing.T) {
	t.Parallel()
	const each = 10_000 // lines a round
	eachHost(t, func(t *testing.T, h host) {
		away := startEndpoint(t, sls.Options{})
		section := outputSection(t, away, "    exit_timeout 1s")
		away.Close()

		dir := t.TempDir()
		file, storage := filepath.Join(dir, "access.log"), filepath.Join(dir, "storage")
		config := tailConfig(t, file, "    storage.path "+storage, fmt.Sprintf("    storage.type filesystem\n    DB %s/tail.db", dir), section)
		args := []string{}
		if h.bundled {
			args = []string{"-n", "-S", storage, "-t", "test"}
		}
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		fed := 0
		round := func() {
			appendLines(t, file, fed, fed+each)
			fed += each
			p := h.start(t, config, args...)
			p.await(hasStarted, 1, 20*time.Second)
			// When exactly is the point of the test: it must be any moment.
			time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
			p.cmd.Process.Kill() // the bundled host may have done all and ended
			p.wait(10 * time.Second)
		}
		for range *rounds {
			round()
		}
		e := startEndpoint(t, sls.Options{Listen: away.Addr(), CA: away.CA()})
		round()
		p := h.start(t, config, args...)
		l := awaitLines(t, e, fed, time.Minute)
		t.Logf("%d kills, %d lines: %v", *rounds+1, fed, l)
		if l.unique != fed {
			t.Errorf("of %d lines: %v", fed, l)
		}
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// appendLines adds lines to a log file.
func appendLines(t *testing.T, file string, from, to int) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	feed(t, f, from, to)
}

// A stop while the broker is away must end in time, whatever the flushes wait
// for, and what is stored must land at the next start.
func TestStopWhileBrokerIsAway(t *testing.T) {
	t.Parallel()
	const n = 5000
	for _, workers := range []string{"0", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			eachHost(t, func(t *testing.T, h host) {
				away := startEndpoint(t, sls.Options{})
				section := outputSection(t, away, "    exit_timeout 3s\n    workers "+workers)
				away.Close()
				dir := t.TempDir()
				file, storage := filepath.Join(dir, "access.log"), filepath.Join(dir, "storage")
				config := tailConfig(t, file, "    storage.path "+storage, fmt.Sprintf("    storage.type filesystem\n    DB %s/tail.db", dir), section)
				args := []string{}
				if h.bundled {
					args = []string{"-n", "-S", storage, "-t", "test"}
				}
				appendLines(t, file, 0, n)
				p := h.start(t, config, args...)
				p.await("cannot reach", 1, 20*time.Second)
				start := time.Now()
				p.signal(syscall.SIGTERM)
				if code := p.wait(30 * time.Second); code != 0 {
					t.Errorf("exit code %d", code)
				}
				t.Logf("stopped in %v", time.Since(start).Round(100*time.Millisecond))
				e := startEndpoint(t, sls.Options{Listen: away.Addr(), CA: away.CA()})
				p = h.start(t, config, args...)
				wantAll(t, awaitLines(t, e, n, time.Minute), n)
				if code := p.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		})
	}
}
