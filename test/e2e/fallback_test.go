package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// The bundled host can be built so that it looks like other versions of
// Fluent Bit, and like none. Where a flush can suspend, the host's other
// output goes on while acknowledgements are late; where it cannot, it must
// wait on the thread, say so, and lose nothing.
func TestHostsLookDifferent(t *testing.T) {
	const n = 2000
	tests := map[string]struct {
		defines []string
		args    []string
		blocks  string // what the log gives as the reason, "" = it suspends
	}{
		"as Fluent Bit 5.1":          {},
		"built with Valgrind":        {defines: []string{"-DHOST_CORO_SHIFT"}},
		"24 KiB stacks":              {args: []string{"-s", "24"}},
		"events of version 1":        {args: []string{"-v", "1"}},
		"two workers":                {args: []string{"-w", "2"}},
		"Fluent Bit 1.9":             {defines: []string{"-DHOST_VERSION=10910"}, args: []string{"-v", "1"}},
		"Fluent Bit 2.2":             {defines: []string{"-DHOST_VERSION=20203"}},
		"Fluent Bit 4.2":             {defines: []string{"-DHOST_VERSION=40208"}},
		"no exit_signal":             {defines: []string{"-DHOST_WITHOUT_EXIT_SIGNAL"}},
		"unknown coroutine":          {defines: []string{"-DHOST_NO_CORO_LAYOUT"}, blocks: "coroutines are laid out"},
		"unknown event":              {defines: []string{"-DHOST_EVENT_LAYOUT_OTHER"}, blocks: "events are laid out"},
		"without flb_coro_get":       {defines: []string{"-DHOST_WITHOUT_FLB_CORO_GET"}, blocks: "is missing"},
		"without flb_engine_evl_get": {defines: []string{"-DHOST_WITHOUT_FLB_ENGINE_EVL_GET"}, blocks: "is missing"},
		"without co_switch":          {defines: []string{"-DHOST_WITHOUT_CO_SWITCH"}, blocks: "is missing"},
		"without mk_event_add":       {defines: []string{"-DHOST_WITHOUT_MK_EVENT_ADD"}, blocks: "is missing"},
		"unknown event, two workers": {defines: []string{"-DHOST_EVENT_LAYOUT_OTHER"}, args: []string{"-w", "2"}, blocks: "events are laid out"},
		"missing function, 24 KiB":   {defines: []string{"-DHOST_WITHOUT_CO_ACTIVE"}, args: []string{"-s", "24"}, blocks: "is missing"},
	}
	const late = 700 * time.Millisecond
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startEndpoint(t, sls.Options{})
			e.DelayAcks(late)
			tick := "[OUTPUT]\n    Name tick\n    Match *\n"
			j := bundled(t, tt.defines...).startJob(t, func(file string) string {
				return tailConfig(t, file, "", "", outputSection(t, e, ""), tick)
			}, append([]string{"-b", "500"}, tt.args...)...)
			feed(t, j.input, 0, n)
			wantAll(t, awaitLines(t, e, n, 30*time.Second), n)
			j.input.Close()
			if code := j.wait(30 * time.Second); code != 0 {
				t.Errorf("exit code %d", code)
			}
			out := j.out.String()
			said := strings.Contains(out, "does not let a flush wait in its event loop")
			if tt.blocks == "" && said {
				t.Error("it did not suspend")
			}
			if tt.blocks != "" && (!said || !strings.Contains(out, tt.blocks)) {
				t.Errorf("the log does not give the reason %q", tt.blocks)
			}
			if strings.Contains(out, "(foreign thread)") {
				t.Error("a line was logged on a thread that is not the host's")
			}
			onEngine := !strings.Contains(strings.Join(tt.args, " "), "-w")
			gap := longestGap(t, out)
			t.Logf("longest gap between ticks: %v", gap)
			if tt.blocks == "" && gap > late/2 {
				t.Errorf("the other output waited %v", gap)
			}
			if tt.blocks != "" && onEngine && gap < late/2 {
				t.Errorf("the thread did not block, longest gap %v: which way did it wait?", gap)
			}
		})
	}
}

// longestGap is the longest time between two lines of the tick output.
func longestGap(t *testing.T, out string) (gap time.Duration) {
	t.Helper()
	last := int64(0)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[0] != "tick" {
			continue
		}
		ms, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if last != 0 {
			gap = max(gap, time.Duration(ms-last)*time.Millisecond)
		}
		last = ms
	}
	if last == 0 {
		t.Fatal("no tick in the output")
	}
	return gap
}

// Flushes that block on workers time out in the moment in which their
// acknowledgements come. Fluent Bit gives their chunks again, and each line lands
// once.
func TestBlockingFlushesTimeOut(t *testing.T) {
	t.Parallel()
	const n = 4000
	e := startEndpoint(t, sls.Options{})
	e.DelayAcks(970 * time.Millisecond)
	section := outputSection(t, e, "    flush_mode blocking\n    flush_timeout 1s\n    linger 1ms")
	j := bundled(t).startJob(t, func(file string) string { return tailConfig(t, file, "", "", section) }, "-b", "50", "-w", "16")
	feed(t, j.input, 0, n)
	j.input.Close()
	if code := j.wait(time.Minute); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantAll(t, countLines(t, e, n), n)
	out := j.out.String()
	at := strings.Index(out, "host: lines=")
	t.Log(out[max(0, at):])
	if at < 0 || strings.Contains(out[at:], "retries=0") {
		t.Error("no flush timed out")
	}
}
