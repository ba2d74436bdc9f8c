package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// inFlight chunks are more than the pipe holds through which Fluent Bit's event
// loop takes the results of flushes, one at a time, and fewer than the tasks
// that Fluent Bit has.
const inFlight = 12_000

// endsIn is the time that a process has to end after a signal: Grace,
// exit_timeout, and two seconds.
const endsIn = 2*time.Second + 5*time.Second + 2*time.Second

// A flush that ends writes its result into a pipe that the same event loop
// reads. Acknowledgements are withheld until thousands of flushes wait; then one
// acknowledgement ends nearly all of them. If they were resumed faster than the
// loop reads, it would wait in write forever.
func TestBurstOfAcknowledgements(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, h host, args []string) {
		e, j, mark := startBurst(t, h, args)
		e.DelayAcks(0)
		wantAll(t, awaitLines(t, e, inFlight, 20*time.Second), inFlight)
		before, _ := j.out.count(mark)
		j.await(mark, before+10, 10*time.Second)
		if h.bundled {
			before, _ = j.out.count(" 0\n")
			j.await(" 0\n", before+1, 10*time.Second) // no chunk in flight
			gap := longestGap(t, j.out.String())
			t.Logf("longest gap between ticks: %v", gap)
			if gap > 3*time.Second {
				t.Errorf("the other output waited %v", gap)
			}
		}
		wantEnd(t, h, j)
	})
}

// Flushes that are suspended when the process ends must not delay it.
func TestStopWithManyChunksInFlight(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, h host) {
		t.Parallel()
		_, j, _ := startBurst(t, h, nil)
		wantEnd(t, h, j)
	})
}

// Nor may those that are suspended on a worker, although the worker's thread writes
// the result of each into a pipe that the engine, which waits for it, does not read.
func TestStopWithManyChunksInWorker(t *testing.T) {
	t.Parallel()
	h := bundled(t)
	_, j, _ := startBurst(t, h, []string{"-w", "1", "-R", "5000"})
	wantEnd(t, h, j)
}

// eachLoop runs a test with flushes on the engine's event loop and on that of a worker.
func eachLoop(t *testing.T, f func(t *testing.T, h host, args []string)) {
	eachHost(t, func(t *testing.T, h host) {
		t.Parallel()
		f(t, h, nil)
	})
	t.Run("worker of the bundled host", func(t *testing.T) {
		t.Parallel()
		f(t, bundled(t), []string{"-w", "1"})
	})
}

// startBurst starts a host, and returns when inFlight chunks of one line each
// are in flight and no acknowledgement has come. Another plugin's output runs
// in the same process; mark is in each of its lines.
func startBurst(t *testing.T, h host, args []string) (e *sls.Endpoint, j *job, mark string) {
	t.Helper()
	e = startEndpoint(t, sls.Options{})
	e.DelayAcks(time.Hour)
	section := outputSection(t, e, "    request_timeout 5m\n    exit_timeout 5s") // nothing is sent twice, however slow the machine
	if h.bundled {
		j = h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", section, "[OUTPUT]\n    Name tick\n") },
			append([]string{"-T", strconv.Itoa(inFlight), "-b", "1"}, args...)...)
		feed(t, j.input, 0, inFlight)
		j.await(fmt.Sprintf(" %d\n", inFlight), 1, 30*time.Second)
		return e, j, "tick "
	}
	// More than 8,192 chunks in one flush hang Fluent Bit, whatever its outputs do.
	const portion = inFlight / 4
	other := "[INPUT]\n    Name dummy\n    Tag other\n    Rate 10\n    Dummy {\"tick\":\"other\"}\n[OUTPUT]\n    Name stdout\n    Match other\n"
	tags := "[FILTER]\n    Name rewrite_tag\n    Match test\n    Rule log ^n=([0-9]+) test.$1 false\n    Emitter_Mem_Buf_Limit 100M\n"
	s := newScraper(t)
	j = h.startJob(t, func(file string) string { return tailConfig(t, file, s.service, "", tags, section, other) })
	for fed := 0; fed < inFlight; fed += portion {
		feed(t, j.input, fed, fed+portion)
		s.await(`inflight_chunks{name="sls_kafka.0"}`, atLeast(float64(fed+portion)))
	}
	return e, j, `"tick"=>"other"`
}

// wantEnd ends the process as a service manager does. Fluent Bit looks for the
// signal once a second, and logs each chunk that is in flight.
func wantEnd(t *testing.T, h host, j *job) {
	t.Helper()
	limit := endsIn
	if !h.bundled {
		limit += 10 * time.Second
	}
	start := time.Now()
	j.signal(syscall.SIGTERM)
	code := j.wait(limit)
	t.Logf("the process ended in %v", time.Since(start))
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A reload and a stop, each with a thousand flushes suspended, on the engine's loop and
// on workers. HOST_CFLAGS=-fsanitize=address runs it with the address sanitizer.
func TestFlushesInFlightAtReloadAndStop(t *testing.T) {
	t.Parallel()
	const flushes = 1000
	for name, args := range map[string][]string{"engine": nil, "workers": {"-w", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := bundled(t)
			e := startEndpoint(t, sls.Options{})
			e.DelayAcks(time.Hour)
			section := outputSection(t, e, "    request_timeout 5m\n    exit_timeout 2s")
			j := h.startJob(t, func(file string) string {
				return tailConfig(t, file, "    Hot_Reload on", "", section, "[OUTPUT]\n    Name tick\n")
			}, append([]string{"-T", strconv.Itoa(flushes), "-b", "1"}, args...)...)
			feed(t, j.input, 0, flushes)
			inFlight := fmt.Sprintf(" %d\n", flushes)
			j.await(inFlight, 1, time.Minute)
			j.signal(syscall.SIGHUP)
			j.await("all remaining tasks", 1, time.Minute)
			e.DelayAcks(0)
			j.await("[reload] reload 1 done", 1, time.Minute)
			wantAll(t, awaitLines(t, e, flushes, time.Minute), flushes)
			e.DelayAcks(time.Hour)
			before, _ := j.out.count(inFlight)
			feed(t, j.input, flushes, 2*flushes)
			j.await(inFlight, before+1, time.Minute)
			wantEnd(t, h, j)
			for _, report := range []string{"DATA RACE", "ERROR: AddressSanitizer", "internal error"} {
				if strings.Contains(j.out.String(), report) {
					t.Errorf("the output holds %q", report)
				}
			}
		})
	}
}
