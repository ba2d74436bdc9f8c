package e2e

import (
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// The end of the process takes as long with many outputs as with one, while no
// broker answers: Grace, exit_timeout, and at most 3 s more.
func TestStopWithManyOutputs(t *testing.T) {
	t.Parallel()
	const outputs = 50
	eachHost(t, func(t *testing.T, h host) {
		t.Parallel()
		h.needSeveral(t)
		away := startEndpoint(t, sls.Options{})
		section := outputSection(t, away, "    exit_timeout 4s")
		away.Close()
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", strings.Repeat(section, outputs)) })
		feed(t, j.input, 0, 1000)
		j.await("cannot reach", outputs, time.Minute)
		start := time.Now()
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		took := time.Since(start)
		t.Logf("%d outputs: the process ended in %v", outputs, took)
		if limit := 2*time.Second + 4*time.Second + 3*time.Second; took > limit {
			t.Errorf("the process ended in %v, want at most %v", took, limit)
		}
		if n := strings.Count(j.out.String(), "] stopped: "); n != outputs {
			t.Errorf("%d of %d outputs were ended", n, outputs)
		}
	})
}

// Fluent Bit before 2.0.7 ends the last of two outputs twice, and the other not at
// all. The plugin warns of it and does not add to the damage.
func TestTwoOutputsOfAnOldHost(t *testing.T) {
	t.Parallel()
	const n = 1000
	for name, tt := range map[string]struct {
		define  string
		stopped int
		warns   bool
	}{
		"2.0.6": {"-DHOST_VERSION=20006", 1, true},
		"2.1.0": {"-DHOST_VERSION=20100", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startEndpoint(t, sls.Options{Logstores: []string{"demo", "plain"}})
			second := strings.Replace(outputSection(t, e, ""), "logstore          demo", "logstore          plain", 1)
			j := bundled(t, tt.define).startJob(t, func(file string) string { return tailConfig(t, file, "", "", outputSection(t, e, ""), second) })
			feed(t, j.input, 0, n)
			wantAll(t, awaitLines(t, e, n, 30*time.Second), n)
			waitLogstore(t, e, "plain", n)
			if code := j.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			out := j.out.String()
			if got := strings.Count(out, "] stopped: "); got != tt.stopped {
				t.Errorf("%d outputs were ended, want %d", got, tt.stopped)
			}
			if warns := strings.Contains(out, "fluent-bit#6469"); warns != tt.warns {
				t.Errorf("it warns: %v, want %v", warns, tt.warns)
			}
		})
	}
}
