package plugin

import (
	"net"
	"os"
	"testing"

	"out_sls_kafka/plugin/failure"
)

// A read that times out is a broker that does not answer; a connection that
// cannot be made in time is the network's.
func TestWrapNoAnswer(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]failure.Kind{"read": failure.NoAnswer, "dial": failure.Network} {
		if got := failure.Of(wrapNoAnswer(&net.OpError{Op: op, Err: os.ErrDeadlineExceeded})).Kind; got != want {
			t.Errorf("%s: kind %d, want %d", op, got, want)
		}
	}
}
