package host_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	burst     = 9000 // flushes that are answered at the same moment
	pipeHolds = 8192 // results
	tick      = "[OUTPUT]\n  Name tick\n"
)

// A flush that ends writes its result into a pipe that the same loop reads, one value for each event. A plugin that
// resumes more flushes in one call than the pipe holds results hangs the loop permanently, in Fluent Bit as in this host.
// A plugin that resumes one in each call does not, however many there are.
func TestBurstOfResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		atOnce string
		hangs  bool
	}{{"1", false}, {"all", true}} {
		t.Run(c.atOnce+" at once", func(t *testing.T) {
			t.Parallel()
			p := startBurst(t, "At_Once "+c.atOnce)
			p.await("call Resume", 1)
			if c.hangs {
				p.awaitSilence("tick ", 2*time.Second)
				p.wantHanging("call FlushCtx", pipeHolds+1)
				return
			}
			code, out := p.wait()
			wantEnd(t, code, out, 0, fmt.Sprintf("chunks=%d ok=%d", burst, burst))
			if gap := longestGap(t, out); gap > 2*time.Second {
				t.Errorf("no tick for %v", gap)
			}
		})
	}
}

// A worker's loop has its own pipe, and hangs in the same way. The engine goes on until it joins the worker.
func TestBurstOfResultsInWorker(t *testing.T) {
	t.Parallel()
	p := startBurst(t, "Workers 1", "At_Once 1")
	code, out := p.wait()
	wantEnd(t, code, out, 0, fmt.Sprintf("chunks=%d ok=%d", burst, burst))

	p = startBurst(t, "Workers 1", "At_Once all")
	p.await("call FlushCtx", pipeHolds+1)
	p.signal(syscall.SIGTERM)
	p.await("[engine] service has stopped", 1)
	p.awaitSilence("call ", 2*time.Second)
	p.wantHanging("call FlushCtx", pipeHolds+1)
}

// An event that is not deleted may stay in the queue of Fluent Bit's loop, although its descriptor is closed.
func TestEventLeftBehind(t *testing.T) {
	t.Parallel()
	const left = "exited without mk_event_del for its descriptor"
	for _, c := range []struct {
		property string
		lines    int
	}{{"leave off", 0}, {"leave on", 1}} {
		code, out := run(t, compile(t, false), numbers(0, 3), "-b", "1", "-c", writeFile(t, "f.conf", output("Mode burst", "Burst 3", c.property)))
		wantEnd(t, code, out, 0, "ok=3")
		if n := count(out, left); n != c.lines {
			t.Errorf("%s: %d lines of an event left behind, want %d:\n%s", c.property, n, c.lines, strings.Join(out, "\n"))
		}
	}
}

func startBurst(t *testing.T, properties ...string) *process {
	t.Helper()
	properties = append(properties, "Mode burst", fmt.Sprintf("Burst %d", burst))
	conf := writeFile(t, "f.conf", "[SERVICE]\n  Grace 1\n"+output(properties...)+tick)
	p := start(t, compile(t, false), nil, "-c", conf, "-b", "1")
	if _, err := io.WriteString(p.stdin, numbers(0, burst)); err != nil {
		t.Fatal(err)
	}
	p.stdin.Close()
	return p
}

// awaitSilence returns when no line with text has come for a time of silence.
func (p *process) awaitSilence(text string, silence time.Duration) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	last, heard := count(p.out, text), time.Now()
	for time.Since(heard) < silence {
		if p.open == 0 {
			p.t.Fatalf("the host ended:\n%s", strings.Join(p.out, "\n"))
		}
		wake := time.AfterFunc(silence-time.Since(heard), p.changed.Broadcast)
		p.changed.Wait()
		wake.Stop()
		if n := count(p.out, text); n != last {
			last, heard = n, time.Now()
		}
	}
}

// wantHanging fails unless the process still runs and has written n lines with text.
func (p *process) wantHanging(text string, n int) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := count(p.out, text); got != n || p.open == 0 {
		p.t.Errorf("%d lines %q, want %d; %d streams are open", got, text, n, p.open)
	}
}

// longestGap is the longest time between two lines of the output tick.
func longestGap(t *testing.T, out []string) (gap time.Duration) {
	t.Helper()
	var last int64
	for _, l := range out {
		fields := strings.Fields(l)
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
	return gap
}
