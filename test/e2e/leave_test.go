package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Fluent Bit's event loop links the events that it has queued to each other. An
// event's memory may be freed only after mk_event_del; closing its descriptor
// does not unlink it.
func TestNoEventIsLeftBehind(t *testing.T) {
	t.Parallel()
	const n = 1000
	e := startEndpoint(t, sls.Options{})
	j := bundled(t).startJob(t, func(file string) string {
		return tailConfig(t, file, "    Hot_Reload on", "", outputSection(t, e, ""))
	})
	feed(t, j.input, 0, n)
	waitCount(t, e, n)
	j.signal(syscall.SIGHUP)
	j.await(hasStarted, 2, 20*time.Second)
	feed(t, j.input, n, 2*n)
	waitCount(t, e, 2*n)
	if code := j.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left := strings.Count(j.out.String(), "exited without mk_event_del"); left > 0 {
		t.Errorf("%d events are left in the loops of the engine", left)
	}
}
