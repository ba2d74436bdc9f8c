package plugin

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/sls"
)

// One answer that a logstore does not exist, as for a shard that is merged, is not taken
// for a logstore that is missing from then on: if records arrive there afterwards, none
// goes elsewhere.
func TestLogstoreThatTakesRecordsIsNotMissing(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"default", "reject"} {
		t.Run(policy, bubbled(func(t *testing.T, network testNetwork) {
			e, o, h, f := network.startStores(t, sls.Options{Logstores: []string{"demo", "good"}, DiscardLogs: true}, "unknown_logstore", policy, "unknown_logstore_after", "30s", "dead_letter_file", t.TempDir()+"/letters")
			const seconds = 120
			for s := range seconds {
				if s == 10 {
					if err := e.SetFault(sls.Fault{Name: kerr.UnknownTopicOrPartition.Message, Logstore: "good", Count: 1}); err != nil {
						t.Fatal(err)
					}
				}
				f.give("good", routedEvents(10, "x", func(int) string { return "good" }))
				time.Sleep(time.Second)
			}
			f.wg.Wait()
			if e.Count("good") != 10*seconds || e.Count("demo") != 0 || o.stats.rejected.Load() != 0 {
				t.Errorf("%d records of %d in their logstore, %d elsewhere, %d rejected", e.Count("good"), 10*seconds, e.Count("demo"), o.stats.rejected.Load())
			}
			if n := h.count("does not exist: its records"); n != 0 {
				t.Error(h.text())
			}
		}))
	}
}

// A logstore that has no room among those that fail, and nothing at the producer, is asked
// about all the same: when it is well, its records go there, whatever the others do.
func TestLogstoreWithoutRoomRecovers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, o, _, f := network.startStores(t, sls.Options{DiscardLogs: true}, "buffer_limit", "1M")
		line := strings.Repeat("x", 1000)
		for _, name := range names("missing", 10) {
			for range 10 {
				f.give("missing", routedEvents(200, line, func(int) string { return name }))
			}
			time.Sleep(time.Second)
		}
		f.give("late", routedEvents(200, line, func(int) string { return "late" }))
		time.Sleep(10 * time.Second)
		if err := e.CreateLogstore("late"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if n := e.Count("late"); n != 200 {
			t.Errorf("%d records arrived of a logstore that exists for two minutes", n)
		}
		o.stop()
		f.wg.Wait()
	})
}

// Chunks that wait for a missing logstore go where unknown_logstore says, also if another
// one that fails has all the room there is for such.
func TestDivertedChunksNeedNoRoomOfTheirLogstore(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"default", "reject"} {
		t.Run(policy, bubbled(func(t *testing.T, network testNetwork) {
			e, o, _, f := network.startStores(t, sls.Options{Logstores: []string{"demo", "refused"}, DiscardLogs: true}, "buffer_limit", "1M", "unknown_logstore", policy, "unknown_logstore_after", "30s", "dead_letter_file", t.TempDir()+"/letters")
			line := strings.Repeat("x", 1000)
			if err := e.SetFault(sls.Fault{Name: kerr.KafkaStorageError.Message, Logstore: "refused"}); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				f.give("refused", routedEvents(200, line, func(int) string { return "refused" }))
			}
			time.Sleep(10 * time.Second)
			for range 3 {
				f.give("missing", routedEvents(300, line, func(int) string { return "missing" }))
			}
			time.Sleep(2 * time.Minute)
			if n := e.Count("demo") + int(o.stats.rejected.Load()); n != 900 {
				t.Errorf("%d records of 900 went elsewhere", n)
			}
			o.stop()
			f.wg.Wait()
		}))
	}
}

// A chunk that is tried again and again does not remember the logstores of each try.
func TestChunkInTheCrowdIsBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, o, _, f := network.startStores(t, sls.Options{DiscardLogs: true}, "buffer_limit", "1M")
		for n := range 4 {
			f.give("names", routedEvents(700, "x", func(i int) string { return fmt.Sprintf("name-%d", n*1000+i) }))
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait() // the chunks' own threads wait
		o.mu.Lock()
		for _, c := range o.live {
			if n := len(c.shares); n > 700 {
				t.Errorf("%d shares of a chunk with 700 names", n)
			}
		}
		o.mu.Unlock()
		o.stop()
		f.wg.Wait()
	})
}

// A field that holds another name in each record makes an output remember a bounded
// number of them, whatever time it lasts.
func TestNamesAreForgotten(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, o, _, f := network.startStores(t, sls.Options{DiscardLogs: true}, "unknown_logstore", "default")
		most := 0
		for s := range 11 {
			for part := range 4 {
				f.give("names", routedEvents(500, "x", func(i int) string { return fmt.Sprintf("name-%d", s*2000+part*500+i) }))
				time.Sleep(250 * time.Millisecond)
			}
			o.health.mu.Lock()
			most = max(most, len(o.health.troubled.all))
			o.health.mu.Unlock()
		}
		f.wg.Wait()
		if limit := maxUnknownNames + maxDivertedNames + 4000; most > limit {
			t.Errorf("%d logstores in trouble are remembered, want %d at most", most, limit)
		}
	})
}
