package plugin

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// refusalsInAll is about how often a record is tried alone.
const refusalsInAll = 12

// One bad record among many is found by halving: it costs two requests a
// halving, not one a record. Several bad ones are each found.
func TestSplitHalves(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]int{{0}, {777}, {1023}, {1, 2}, {0, 500, 1023}} {
		t.Run(fmt.Sprint(bad), bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			o, _ := network.startOutput(t, properties)
			e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: -1, When: poisoned})
			const n = 1024
			var chunk []byte
			texts := map[int]string{}
			for _, i := range bad {
				texts[i] = poison
			}
			for i := range n {
				chunk = append(chunk, events(i, 1, texts[i])...)
			}
			l := newLoad(t, o, e)
			l.add(chunk, n)
			l.wantStoredBesides(len(bad), 0)
			if got := o.stats.rejected.Load(); got != int64(len(bad)) {
				t.Errorf("%d records rejected, want %d", got, len(bad))
			}
			// 8, since the first pass may come in several; up to five for each level, since a
			// request that is refused whole does not say which of its batches is meant.
			if got, most := e.ProduceRequests()-(l.sent-n), 8+(5*10+refusalsInAll)*len(bad); got > most {
				t.Errorf("%d produce requests, at most %d are needed", got, most)
			}
		}))
	}
}

// The half of a split batch that fails for another reason, which can pass, is sent
// again.
func TestSplitDuringOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		once := e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: 2})
		outage := e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: 6})
		l := newLoad(t, o, e)
		l.send(3, 200)
		l.wantStored(0, 0)
		if once.Hits() != 2 || outage.Hits() != 6 {
			t.Errorf("%d and %d requests met the faults, want 2 and 6", once.Hits(), outage.Hits())
		}
		if got := o.stats.rejected.Load(); got != 0 {
			t.Errorf("%d records rejected, want 0", got)
		}
	})
}
