package plugin

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/sls"
)

// blockingFlush gives a chunk as a blocking flush does, that ends after a while and is
// given again, until it has a result.
func blockingFlush(o *Output, tag string, chunk []byte, timeout time.Duration) Result {
	for {
		w := make(channelWaker, 1)
		c := o.Submit(tag, chunk, w, false)
		end := time.After(timeout)
		for waits := true; waits; {
			if r := c.Advance(chunk); r != Pending {
				return r
			}
			select {
			case <-w:
			case <-end:
				c.Detach(chunk)
				waits = false
			}
		}
		time.Sleep(time.Second)
	}
}

// Logstores fail, are deleted and created again, and chunks have records of several, also
// of names that do not exist, while flushes end and are given again: each record is
// acknowledged or rejected once, and nothing is left of them in the accounts.
func TestStoresAtRandom(t *testing.T) {
	t.Parallel()
	seed := uint64(0)
	for _, policy := range []string{"wait", "default", "reject"} {
		for _, partitioner := range []string{"uniform", "round_robin", "key_hash"} {
			seed++
			t.Run(policy+" "+partitioner, bubbled(func(t *testing.T, network testNetwork) {
				random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // it is to be the same each time
				stores := names("store", 6)
				e, properties := network.startEndpoint(t, sls.Options{Logstores: append([]string{"demo"}, stores[:4]...), DiscardLogs: true, Nodes: 2})
				o, h := network.startOutput(t, storeProperties(properties, "buffer_limit", "1M", "unknown_logstore", policy, "partitioner", partitioner,
					"message_key_field", "log", "unknown_logstore_after", "20s", "dead_letter_file", t.TempDir()+"/letters"))
				h.wait("reachable")
				var flushing sync.WaitGroup
				var results [3]atomic.Int64
				const seconds = 90
				given := 0
				for s := range seconds {
					for tag := range 3 {
						n, size := 1+random.IntN(100), 1+random.IntN(2000)
						if random.IntN(100) == 0 {
							n, size = 1, 900_000
						}
						chosen := random.Perm(len(stores))[:1+random.IntN(3)]
						chunk := routedEvents(n, strings.Repeat("x", size), func(i int) string { return stores[chosen[i%len(chosen)]] })
						chunk = append(chunk, routedEvents(1, fmt.Sprint(s, tag), func(int) string { return "demo" })...)
						given += n + 1
						timeout := time.Duration(2+random.IntN(60)) * time.Second
						flushing.Go(func() { results[blockingFlush(o, fmt.Sprint("tag", tag), chunk, timeout)].Add(1) })
					}
					switch store := stores[random.IntN(len(stores))]; random.IntN(6) {
					case 0:
						_ = e.CreateLogstore(store)
					case 1:
						_ = e.DeleteLogstore(store)
					case 2:
						_ = e.SetFault(sls.Fault{Name: []string{kerr.TopicAuthorizationFailed.Message, kerr.KafkaStorageError.Message, kerr.UnknownTopicOrPartition.Message}[random.IntN(3)], Logstore: store, Count: random.IntN(20)})
					case 3:
						for _, f := range e.Faults() {
							e.ClearFault(f.Name)
						}
					}
					time.Sleep(time.Second)
				}
				for _, f := range e.Faults() {
					e.ClearFault(f.Name)
				}
				for _, store := range stores {
					_ = e.CreateLogstore(store)
				}
				time.Sleep(15 * time.Minute)
				if !o.idle() {
					t.Errorf("chunks are stuck: %s", o.loadSummary())
				}
				if n := o.stats.acknowledged.Load() + o.stats.rejected.Load(); n != int64(given) {
					t.Errorf("%d records are done of %d", n, given)
				}
				checkEmpty(t, o)
				o.stop()
				flushing.Wait()
				if ok := results[OK].Load(); ok != 3*seconds {
					t.Errorf("%d chunks are OK", ok)
				}
			}))
		}
	}
}

// checkEmpty fails if something is left in the accounts.
func checkEmpty(t *testing.T, o *Output) {
	t.Helper()
	a := &o.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used != 0 || a.failing != 0 || a.waiting != 0 || a.turns[0].Len()+a.turns[1].Len() != 0 {
		t.Errorf("left: %d bytes, %d of logstores that fail, %d chunks that wait, %d in turn", a.used, a.failing, a.waiting, a.turns[0].Len()+a.turns[1].Len())
	}
	for _, to := range o.logstores.all() {
		if to.account.used != 0 {
			t.Errorf("left: %d bytes of %s", to.account.used, to.name)
		}
	}
}
