package plugin

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/sls"
)

// Rejected records are kept, counted and forgotten at once, whatever the others of their
// chunk wait for.
func TestDeadLettersDoNotWaitForTheirChunk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		letters := filepath.Join(t.TempDir(), "letters")
		e, o, h, f := network.startStores(t, sls.Options{Logstores: []string{"demo", "refused"}, DiscardLogs: true},
			"unknown_logstore", "reject", "unknown_logstore_after", "1s", "dead_letter_file", letters, "max_message_bytes", "10K")
		if err := e.SetFault(sls.Fault{Name: kerr.TopicAuthorizationFailed.Message, Logstore: "refused"}); err != nil {
			t.Fatal(err)
		}
		f.give("first", routedEvents(1, "x", func(int) string { return "missing" }))
		time.Sleep(time.Minute) // its records are rejected now
		if n := countLines(letters); n != 1 {
			t.Fatalf("%d dead letters, want 1", n)
		}
		const chunks, n = 20, 500
		for c := range chunks {
			f.give("mixed", append(routedEvents(n, strings.Repeat("x", 1000), func(i int) string {
				if i == 0 {
					return "refused"
				}
				return "missing"
			}), routedEvents(1, strings.Repeat("y", 20_000+c), func(int) string { return "demo" })...))
		}
		time.Sleep(10 * time.Second)
		const rejected = 1 + chunks*n // one is too large, one of each chunk waits
		if kept, counted := countLines(letters), o.stats.rejected.Load(); kept != rejected || counted != rejected || o.stats.deadLetters.kept.Load() != rejected {
			t.Errorf("%d dead letters, %d records count as rejected, want %d", kept, counted, rejected)
		}
		if _, done, waiting := f.longest("mixed"); done != 0 || waiting != chunks {
			t.Errorf("%d chunks are done, %d wait: a record of each is refused", done, waiting)
		}
		if used, _ := o.admission.load(); used > chunks*(3*chunkOverhead+200) {
			t.Errorf("%d bytes in use for %d short records", used, chunks)
		}
		if r := o.letters.retained(); r != 0 {
			t.Errorf("%d bytes of dead letters", r)
		}
		e.ClearFault(kerr.TopicAuthorizationFailed.Message)
		f.wg.Wait()
		if f.ended[OK] != 1+chunks || e.Count("refused") != chunks || countLines(letters) != rejected {
			t.Errorf("results %v, %d records arrived, %d dead letters: %s", f.ended, e.Count("refused"), countLines(letters), h.text())
		}
	})
}

// Rejected records that wait for a disk that hangs are counted in buffer_limit: half of it
// at most, and chunks without such go on. In real time: fake time stands still while a
// file hangs.
func TestDeadLettersThatHangAreBounded(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{true, false} {
		t.Run(fmt.Sprintf("one logstore %v", single), func(t *testing.T) {
			t.Parallel()
			network := testNetwork{}
			e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo"}, DiscardLogs: true})
			properties["dead_letter_file"], properties["max_message_bytes"], properties["buffer_limit"] = filepath.Join(t.TempDir(), "regular"), "1K", "1M"
			if !single {
				properties["logstore_key"] = "ns"
			}
			o, _ := network.startOutput(t, properties)
			_, goOn := hangLetters(t, o)
			f := newFlushes(t, o)
			demo := func(int) string { return "demo" }
			const chunks, n = 10, 50
			for range chunks {
				f.give("rejected", append(routedEvents(n, strings.Repeat("x", 3000), demo), routedEvents(1, "x", demo)...))
			}
			eventually(t, "chunks that wait for the disk", func() bool {
				used, waiting := o.admission.load()
				return waiting > 0 && used <= 600<<10 && o.letters.retained() >= 300<<10
			})
			if used, _ := o.admission.load(); used > 600<<10 || o.letters.retained() > used {
				t.Errorf("of 1M %d bytes are counted, %d are held by dead letters", used, o.letters.retained())
			}
			before := e.Count("demo")
			for range 20 {
				if r := deliver(t, o, routedEvents(100, "x", demo)); r != OK {
					t.Fatalf("result %d of what nothing is wrong with", r)
				}
			}
			if n := e.Count("demo") - before; n < 2000 {
				t.Errorf("%d records arrived", n)
			}
			go goOn()
			f.wg.Wait()
			if f.ended[OK] != chunks || o.stats.deadLetters.kept.Load() != chunks*n {
				t.Errorf("results %v, %d records kept", f.ended, o.stats.deadLetters.kept.Load())
			}
		})
	}
}

// Records that waited for a logstore and are rejected together are bounded as others are while
// the disk hangs, and chunks without such go on.
func TestRecordsRejectedTogetherAreBounded(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo"}, DiscardLogs: true})
	const limit = 8 << 20
	properties = storeProperties(properties, "dead_letter_file", filepath.Join(t.TempDir(), "regular"), "buffer_limit", "8M",
		"unknown_logstore", "reject", "unknown_logstore_after", "1s")
	o, h := network.startOutput(t, properties)
	_, goOn := hangLetters(t, o)
	h.wait("reachable")
	f := newFlushes(t, o)
	const chunks, n = 100, 1000
	for range chunks {
		f.give("missing", routedEvents(n, "x", func(int) string { return "missing" }))
	}
	h.wait("its records are rejected until it does")
	before := int64(-1)
	eventually(t, "all is rejected that had room", func() bool {
		now := o.letters.retained()
		settled := now == before
		before = now
		time.Sleep(500 * time.Millisecond)
		return settled
	})
	if used, _ := o.admission.load(); used > limit+overdraft || o.letters.retained() > limit+overdraft {
		t.Errorf("of %d %d bytes are counted, %d are held by dead letters", limit, used, o.letters.retained())
	}
	endsWithin(t, 10*time.Second, "a chunk that nothing is wrong with", func() {
		if r := deliver(t, o, routedEvents(100, "x", func(int) string { return "demo" })); r != OK {
			t.Errorf("result %d of what nothing is wrong with", r)
		}
	})
	go goOn()
	f.wg.Wait()
	if f.ended[OK] != chunks || e.Count("demo") != 100 {
		t.Errorf("results %v, %d records arrived", f.ended, e.Count("demo"))
	}
}

// The end of an output while rejected records wait for the disk gives their chunks back: Fluent
// Bit may wait for their results without a limit, when it joins its workers.
func TestCloseWhileRefusedBatchesWait(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	_, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo"}, DiscardLogs: true})
	properties = storeProperties(properties, "dead_letter_file", filepath.Join(t.TempDir(), "regular"), "buffer_limit", "8M",
		"unknown_logstore", "reject", "unknown_logstore_after", "1s", "exit_timeout", "100ms")
	o, h := network.startOutput(t, properties)
	_, goOn := hangLetters(t, o)
	h.wait("reachable")
	f := newFlushes(t, o)
	const chunks = 30
	for range chunks {
		f.give("missing", routedEvents(1000, "x", func(int) string { return "missing" }))
	}
	h.wait("its records are rejected until it does")
	eventually(t, "letters that wait for the disk", func() bool { return producerObserver{o}.RejectsWait() })
	endsWithin(t, 100*time.Millisecond+stopTimeout+5*time.Second, "Close", func() {
		if !o.Close() {
			t.Error("Close says that not everything ended")
		}
	})
	endsWithin(t, 5*time.Second, "the results of all chunks", f.wg.Wait)
	go goOn()
	eventually(t, "the end of what was being written", func() bool { return o.letters.retained() == 0 })
	if rejected, kept := o.stats.rejected.Load(), o.stats.deadLetters.kept.Load(); f.ended[Retry] != chunks || rejected != kept {
		t.Errorf("results %v, %d records count as rejected, %d are in the file", f.ended, rejected, kept)
	}
}
