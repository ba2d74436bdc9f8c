package plugin

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// Everything at once, for the race detector and for what must hold in the
// end: chunks are submitted, advanced, detached and submitted again from several
// threads, every other write is refused in one way or another, there is room
// for few, and then the output is closed in the middle of it. In real time, over TCP:
// fake time moves only when nobody computes, so Close would never come in between.
func TestLifeAtRandom(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	for range 3 {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["buffer_limit"], properties["exit_timeout"], properties["retry_backoff"] = "1M", "50ms", "10ms"
		properties["dead_letter_file"] = t.TempDir() + "/letters"
		o, _ := network.startOutput(t, properties)
		var asked atomic.Int64
		for i, err := range []*kerr.Error{kerr.InvalidRecord, kerr.TopicAuthorizationFailed, kerr.KafkaStorageError} {
			e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: -1, When: func(kmsg.Request) bool {
				return asked.Add(1)%7 == int64(2*i)
			}})
		}
		var next, acknowledged atomic.Int64
		var threads sync.WaitGroup
		quit := make(chan struct{})
		for range 6 {
			threads.Go(func() {
				for {
					select {
					case <-quit:
						return
					default:
					}
					n := 1 + rand.IntN(300)
					from := int(next.Add(int64(n))) - n
					chunk := append(events(from, n, "hello"), 0xc1)
					for {
						r := flushAtRandom(o, chunk)
						if r == OK {
							acknowledged.Add(int64(n))
						}
						if r == OK || o.closed() {
							break
						}
					}
				}
			})
		}
		eventually(t, "some chunks done", func() bool { return acknowledged.Load() > 1000 })
		time.Sleep(rand.N(200 * time.Millisecond)) // any moment will do
		if !o.Close() {
			t.Error("the output did not end")
		}
		close(quit)
		threads.Wait()
		if used, waiting := o.admission.load(); used != 0 || waiting != 0 || !o.idle() || !o.settled() {
			t.Errorf("after the end: %d bytes, %d chunks waiting, %s", used, waiting, o.loadSummary())
		}
		unique, duplicates := sequences(e)
		t.Logf("FIGURES %d records given, %d acknowledged, %d stored, %d of them again", next.Load(), acknowledged.Load(), unique, duplicates)
		if int64(unique) < acknowledged.Load() {
			t.Errorf("%d records stored, but %d were acknowledged", unique, acknowledged.Load())
		}
	}
}

// flushAtRandom is one flush, which may detach its chunk before it is done.
func flushAtRandom(o *Output, chunk []byte) Result {
	w := make(channelWaker, 1)
	c := o.Submit("test.tag", chunk, w, true)
	var limit <-chan time.Time
	if rand.IntN(3) == 0 {
		limit = time.After(rand.N(20 * time.Millisecond))
	}
	for {
		if r := c.Advance(chunk); r != Pending {
			return r
		}
		select {
		case <-w:
		case <-limit:
			c.Detach(chunk)
			return Retry
		}
	}
}
