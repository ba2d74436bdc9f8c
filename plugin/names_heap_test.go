package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/sls"
)

// Values of logstore_key that all differ, valid names and others in equal parts, and values of
// 1 MB among them, take no more live heap than buffer_limit and 20 MiB, also while the option
// logstore is refused, and delay no logstore that exists. With -names 50 they are 100,000. Not
// parallel: the heap is the process's.
func TestHeapOfNames(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector the heap is another, and it takes minutes: make test runs it without as well")
	}
	for _, policy := range []string{"wait", "default", "reject"} {
		t.Run(policy, func(t *testing.T) {
			bubble(t, func(t *testing.T, network testNetwork) {
				before := liveHeap()
				e, o, _, f := network.startStores(t, sls.Options{Logstores: []string{"demo", "good"}, DiscardLogs: true},
					"unknown_logstore", policy, "buffer_limit", "8M", "compression", "none", "dead_letter_file", t.TempDir()+"/letters")
				huge := strings.Repeat("Huge ", 190_000)
				size := map[string]int{"huge": len(huge)} // what the chunks that wait hold is Fluent Bit's
				peak := int64(0)
				second := func(s int) {
					for _, kind := range []string{"name-", "No Name "} {
						chunk := routedEvents(1000, "x", func(i int) string { return fmt.Sprint(kind, s*1000+i) })
						f.give(kind, chunk)
						size[kind] = len(chunk)
					}
					for i := range 3 {
						f.give("huge", routedEvents(1, "x", func(int) string { return fmt.Sprint(huge, s, i) }))
					}
					f.give("good", routedEvents(10, "x", func(int) string { return "good" }))
					time.Sleep(time.Second)
					if s%5 != 4 {
						return
					}
					held := liveHeap() - before - int64(len(huge))
					for name, bytes := range size {
						_, _, waiting := f.longest(name)
						held -= int64(waiting * bytes)
					}
					peak = max(peak, held)
				}
				seconds := max(20, *nameRounds)
				refused := seconds / 2
				for s := range seconds - refused {
					second(s)
				}
				for _, name := range []string{"No Name ", "huge"} {
					if longest, _, waiting := f.longest(name); longest > time.Second || waiting != 0 {
						t.Errorf("%s: the longest took %v, %d wait", name, longest, waiting)
					}
				}
				if err := e.SetFault(sls.Fault{Name: kerr.TopicAuthorizationFailed.Message, Logstore: "demo"}); err != nil {
					t.Fatal(err)
				}
				for s := range refused { // what goes to the option logstore waits
					second(seconds - refused + s)
				}
				if used, waiting := o.admission.load(); waiting == 0 || used < memoryLimit/8 {
					t.Errorf("%d chunks wait, %d bytes are in use: the limit was not tried", waiting, used)
				}
				longest, done, waiting := f.longest("good")
				t.Logf("FIGURES heap +%.1f MB at most; the longest of the others took %v", float64(peak)/(1<<20), longest)
				if longest > time.Second || done != seconds || waiting != 0 {
					t.Errorf("a logstore that exists: the longest took %v, %d of %d done", longest, done, seconds)
				}
				if peak > memoryLimit+memoryExtra {
					t.Errorf("%d bytes of heap, at most %d are allowed", peak, memoryLimit+memoryExtra)
				}
				o.stop()
				f.wg.Wait()
			})
		})
	}
}
