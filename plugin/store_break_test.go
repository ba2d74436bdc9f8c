package plugin

import (
	"testing"
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
			e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}, DiscardLogs: true})
			o, h := network.startOutput(t, storeProperties(properties, "unknown_logstore", policy, "unknown_logstore_after", "30s", "dead_letter_file", t.TempDir()+"/letters"))
			h.wait("reachable")
			f := newFlushes(t, o)
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
