package e2e

import (
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Flushes linger for others to come, but no longer than linger, and not once
// there are bytes enough.
func TestLinger(t *testing.T) {
	t.Parallel()
	const (
		linger = 8 * time.Second
		chunk  = 1000 // lines, of some 110 bytes
		n      = 8 * chunk
	)
	e := startEndpoint(t, sls.Options{})
	section := outputSection(t, e, "    linger "+linger.String())
	j := bundled(t).startJob(t, func(file string) string { return tailConfig(t, file, "", "", section) }, "-b", "1000", "-r", "10", "-f", "100")
	start := time.Now()
	feed(t, j.input, 0, n)
	waitCount(t, e, n/2)
	if took := time.Since(start); took >= linger {
		t.Errorf("half a megabyte landed after %v: it lingered", took)
	}
	waitCount(t, e, n)
	if took := time.Since(start); took < linger {
		t.Errorf("all landed after %v: the last chunks did not linger", took)
	}
	if got := e.ProduceRequests(); got > 4 {
		t.Errorf("%d requests for what came in two portions", got)
	}
	j.input.Close()
	if code := j.wait(30 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
