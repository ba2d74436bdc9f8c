package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Fluent Bit before 2.1.8 frees the chunks before it ends the outputs, and another
// output may take seconds to end. Chunks that wait for room must not be read in
// between, on the engine's thread or on a worker's, although acknowledgements make
// room. The host overwrites what it frees.
func TestChunksAreGoneBeforeExit(t *testing.T) {
	t.Parallel()
	const n = 40_000
	slow := "[OUTPUT]\n    Name tick\n    Match *\n    Exit_Ms 3000\n"
	for name, args := range map[string][]string{"engine": nil, "worker": {"-w", "1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startEndpoint(t, sls.Options{})
			e.DelayAcks(700 * time.Millisecond)
			section := outputSection(t, e, "    buffer_limit 1M\n    compression none\n    exit_timeout 1s")
			j := bundled(t, "-DHOST_VERSION=10910").startJob(t, func(file string) string {
				return tailConfig(t, file, "", "", slow, section)
			}, append([]string{"-b", "500", "-g", "1", "-v", "1"}, args...)...)
			feed(t, j.input, 0, n)
			waitCount(t, e, 500)
			j.signal(syscall.SIGTERM)
			if code := j.wait(30 * time.Second); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if !strings.Contains(j.out.String(), " acknowledged, 0 rejected,") {
				t.Error("records were rejected that the host did not give")
			}
			if l := countLines(t, e, n); l.unique == n {
				t.Error("no chunk waited")
			}
		})
	}
}
