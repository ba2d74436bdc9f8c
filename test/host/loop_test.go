package host_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The loop handles events in Fluent Bit's order. The text below is what looptest.c prints when it is built with the
// sources of Fluent Bit 1.9.10, 2.2.3, 4.2.8 and 5.1.1 (include/fluent-bit/flb_event_loop.h, lib/monkey/mk_core) in place
// of event.c.
func TestOrderOfEvents(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(build(t, "looptest/*.c", "-Isrc", "src/event.c", "src/log.c")).CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	want := `by priority, then first in, first out: a b c d e f g h
ten a round, the eleventh loses its place: a b c a b c a b c a | c a b c a b c a b c | b c a b c a b c a b
a higher priority overtakes: a b c
a higher priority starves: b b b b b b b b b b | b b a
a deleted event is not handled: a c
a closed descriptor leaves the event queued: a b c
`
	if got := strings.ReplaceAll(string(out), " \n", "\n"); got != want {
		t.Errorf("order of events:\n%s\nwant:\n%s", got, want)
	}
}
