package produce

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What becomes of a thousand records on two partitions, whatever goes wrong for
// a while or for one of them, and how long it takes.
func TestDelivery(t *testing.T) {
	bad := func(values []string) bool { return slices.Contains(values, "value 777") }
	for _, row := range []struct {
		name     string
		prepare  func(c *fakeCluster)
		change   time.Duration // when after is called
		after    func(c *fakeCluster)
		rejected int
		within   time.Duration
	}{
		{name: "all is well", within: 200 * time.Millisecond},
		{name: "no broker answers for ten minutes",
			prepare: func(c *fakeCluster) { c.noAnswer = func(int32) error { return errors.New("connection refused") } },
			change:  10 * time.Minute, after: func(c *fakeCluster) { c.noAnswer = nil }, within: 10*time.Minute + 31*time.Second},
		{name: "the service has an error for ten minutes",
			prepare: func(c *fakeCluster) {
				c.refuse = func(string, int32, []string) *kerr.Error { return kerr.KafkaStorageError }
			},
			change: 10 * time.Minute, after: func(c *fakeCluster) { c.refuse = nil }, within: 10*time.Minute + 31*time.Second},
		{name: "the topic does not exist for a minute",
			prepare: func(c *fakeCluster) { delete(c.leaders, "logs") },
			change:  time.Minute, after: func(c *fakeCluster) { c.leaders["logs"] = []int32{0, 1} }, within: time.Minute + 31*time.Second},
		{name: "one record is refused",
			prepare: func(c *fakeCluster) {
				c.refuse = func(_ string, _ int32, values []string) *kerr.Error {
					if bad(values) {
						return kerr.InvalidRecord
					}
					return nil
				}
			}, rejected: 1, within: 4 * time.Minute},
		{name: "the codec is refused",
			prepare: func(c *fakeCluster) {
				first := true
				c.refuse = func(string, int32, []string) *kerr.Error {
					defer func() { first = false }()
					if first {
						return kerr.UnsupportedCompressionType
					}
					return nil
				}
			}, within: time.Second},
		{name: "a partition moves",
			prepare: func(c *fakeCluster) {
				n := 0
				c.refuse = func(string, int32, []string) *kerr.Error {
					if n++; n == 1 {
						c.leaders["logs"] = []int32{1, 0}
					}
					return nil
				}
			}, within: time.Second},
		{name: "a partition has no leader for a minute",
			prepare: func(c *fakeCluster) { c.leaders["logs"] = []int32{0, -1} },
			change:  time.Minute, after: func(c *fakeCluster) { c.leaders["logs"] = []int32{0, 1} }, within: 500 * time.Millisecond},
		{name: "the partitions are merged",
			prepare: func(c *fakeCluster) {
				n := 0
				c.refuse = func(string, int32, []string) *kerr.Error {
					if n++; n == 1 {
						c.leaders["logs"] = []int32{0}
						return kerr.UnknownTopicOrPartition
					}
					return nil
				}
			}, within: 3 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := options()
			o.Compression = "gzip"
			inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver) {
				c.leaders["logs"] = []int32{0, 1}
				if row.prepare != nil {
					c.set(func() { row.prepare(c) })
				}
				if row.after != nil {
					time.AfterFunc(row.change, func() { c.set(func() { row.after(c) }) })
				}
				owner := &fakeOwner{}
				for i := range 10 {
					addRecords(t, p, owner, "logs", numbers(100*i, 100)...)
				}
				time.Sleep(row.within)
				synctest.Wait()
				owner.want(t, 1000-row.rejected, row.rejected, 0)
				got := c.values()
				slices.Sort(got)
				if n := len(slices.Compact(got)); n != 1000-row.rejected {
					t.Errorf("%d different records were stored, want %d", n, 1000-row.rejected)
				}
				if row.rejected == 1 && len(owner.rejected) == 1 && owner.rejected[0] != "value 777" {
					t.Errorf("rejected %q", owner.rejected)
				}
				if n := p.Retrying(); n != 0 {
					t.Errorf("%d batches wait to be sent again", n)
				}
				if obs.acked["logs"] != 1000-row.rejected {
					t.Errorf("%d records were reported", obs.acked["logs"])
				}
			})
		})
	}
}

// The waits after failures double up to the longest, and no broker is asked
// between them.
func TestBackoff(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		c.noAnswer = func(int32) error { return errors.New("connection refused") }
		addRecords(t, p, &fakeOwner{}, "logs", "a")
		time.Sleep(95 * time.Second)
		produced, _ := c.requests()
		var waits []time.Duration
		for i := 1; i < len(produced); i++ {
			waits = append(waits, (produced[i] - produced[i-1]).Truncate(250*time.Millisecond))
		}
		if want := "[250ms 1s 2s 4s 8s 16s 30s 30s]"; fmt.Sprint(waits) != want {
			t.Errorf("waits %v, want %s", waits, want)
		}
	})
}

// No answer makes a loop without a wait.
func TestMinIntervals(t *testing.T) {
	for _, row := range []struct {
		name               string
		prepare            func(c *fakeCluster)
		produced, metadata int // at most, in ten seconds
		silent             bool
	}{
		{"metadata leaves the topic out", func(c *fakeCluster) { delete(c.leaders, "logs") }, 0, 5, false},
		{"the leader flaps", func(c *fakeCluster) {
			n := 0
			c.refuse = func(string, int32, []string) *kerr.Error {
				n++
				c.leaders["logs"] = []int32{int32(n % 2)}
				return kerr.NotLeaderForPartition
			}
		}, 8, 8, false},
		{"metadata knows no leader", func(c *fakeCluster) { c.leaders["logs"] = []int32{-1} }, 0, 5, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver) {
				c.set(func() { row.prepare(c) })
				addRecords(t, p, &fakeOwner{}, "logs", "a")
				time.Sleep(10 * time.Second)
				synctest.Wait()
				produced, requested := c.requests()
				if len(produced) > row.produced || len(requested) > row.metadata || len(requested) < 2 {
					t.Errorf("%d batches and %d questions in 10 s, at most %d and %d are allowed", len(produced), len(requested), row.produced, row.metadata)
				}
				if silent := len(obs.failed) == 0; silent != row.silent {
					t.Errorf("failures reported: %v", obs.failed)
				}
			})
		})
	}
}

// Records linger for others, but not while they are held, nor after Flush.
func TestLinger(t *testing.T) {
	o := options()
	o.Linger = time.Second
	for _, row := range []struct {
		name string
		give func(p *Producer, give func(value string))
		at   []time.Duration // of the requests
	}{
		{"linger", func(_ *Producer, give func(string)) { give("a"); time.Sleep(500 * time.Millisecond); give("b") }, []time.Duration{time.Second}},
		{"flush", func(p *Producer, give func(string)) { give("a"); time.Sleep(500 * time.Millisecond); p.Flush() }, []time.Duration{500 * time.Millisecond}},
		{"hold", func(p *Producer, give func(string)) {
			release := p.Hold()
			give("a")
			time.Sleep(300 * time.Millisecond) // less than linger, which release ends
			give("b")
			release()
		}, []time.Duration{300 * time.Millisecond}},
		{"hold longer than linger", func(p *Producer, give func(string)) {
			release := p.Hold()
			give("a")
			time.Sleep(3 * time.Second)
			release()
		}, []time.Duration{3 * time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
				answer, _ := c.Metadata(t.Context(), []string{"logs"})
				p.Update([]string{"logs"}, answer)
				begin := time.Now()
				owner := &fakeOwner{}
				row.give(p, func(value string) { addRecords(t, p, owner, "logs", value) })
				time.Sleep(5 * time.Second)
				produced, _ := c.requests()
				var at []time.Duration
				for _, p := range produced {
					at = append(at, c.begin.Add(p).Sub(begin))
				}
				if !slices.Equal(at, row.at) {
					t.Errorf("requests at %v, want %v", at, row.at)
				}
			})
		})
	}
}

// Records of a key go to one partition, in their order; round robin goes around.
// Those that come before the partitions are known wait for that.
func TestPartitioners(t *testing.T) {
	for _, kind := range []Partitioner{RoundRobin, KeyHash} {
		o := options()
		o.Partitioner = kind
		inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
			c.leaders["logs"] = []int32{0, 1, 0, 1}
			owner := &fakeOwner{}
			for round := range 2 { // the second when the partitions are known
				var records []Record
				for i := range 400 {
					records = append(records, Record{Topic: "logs", Key: []byte{byte('a' + i%16)}, Value: fmt.Append(nil, 1000*round+i)})
				}
				addFor(p, owner, records)
				time.Sleep(time.Second)
			}
			owner.want(t, 800, 0, 0)
			partition, last, count := map[string]int32{}, map[int32]int{}, map[int32]int{}
			for _, r := range c.stored {
				var n int
				_, _ = fmt.Sscan(r.value, &n)
				if before, ok := last[r.partition]; ok && n < before {
					t.Fatalf("partition %d: %d after %d", r.partition, n, before)
				}
				last[r.partition] = n
				count[r.partition]++
				if p, ok := partition[r.key]; ok && p != r.partition && kind == KeyHash {
					t.Fatalf("key %s is on partitions %d and %d", r.key, p, r.partition)
				}
				partition[r.key] = r.partition
			}
			if len(count) != 4 || kind == RoundRobin && count[0] != 200 {
				t.Errorf("records by partition: %v", count)
			}
		})
	}
}

// Close releases what was not sent and what is on its way, and takes nothing
// more.
func TestCloseReleases(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		owner := &fakeOwner{}
		addRecords(t, p, owner, "logs", "sent")
		time.Sleep(18 * time.Millisecond) // it is on its way
		addRecords(t, p, owner, "logs", "waits")
		addRecords(t, p, owner, "not-there", "waits", "too")
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		owner.want(t, 0, 0, 4)
		if addFor(p, owner, []Record{{Topic: "logs"}}) {
			t.Error("records are taken after Close")
		}
	})
}

// A topic that got nothing for long is forgotten, but not while its batch is on
// the way to a partition that is gone: the batch would come back to a topic that
// learns nothing any more.
func TestIdleTopicsAreForgotten(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		c.leaders["logs"] = []int32{0, 1}
		owner := &fakeOwner{}
		addRecords(t, p, owner, "logs", "first")
		time.Sleep(time.Second)
		block := make(chan struct{})
		c.set(func() {
			c.refuse = func(string, int32, []string) *kerr.Error { <-block; return kerr.UnknownTopicOrPartition }
		})
		addRecords(t, p, owner, "logs", "second")
		time.Sleep(time.Second)
		synctest.Wait()
		answer := kmsg.NewPtrMetadataResponse()
		merged := metadataOf("logs", []int32{0})
		merged.Partitions[0].Partition = 7
		answer.Topics = append(answer.Topics, merged)
		p.Update([]string{"logs"}, answer)
		p.Tick(time.Now().Add(2 * topicIdleTimeout))
		p.mu.Lock()
		kept := p.topics["logs"] != nil
		p.mu.Unlock()
		if !kept {
			t.Error("the topic was forgotten while its batch is on the way")
		}
		close(block)
		c.set(func() { c.refuse = nil })
		time.Sleep(time.Minute)
		owner.want(t, 2, 0, 0)
		p.Tick(time.Now().Add(2 * topicIdleTimeout))
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.topics) != 0 {
			t.Error("an idle topic is kept")
		}
	})
}

// Options that would make a producer of no use are refused.
func TestOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"batches of 0":        func(o *Options) { o.MaxBatchBytes = 0 },
		"requests of 0":       func(o *Options) { o.MaxRequestBytes = 0 },
		"backoff must be":     func(o *Options) { o.Backoff = nil },
		"acks, timeout":       func(o *Options) { o.Acks = 0 },
		"compression unheard": func(o *Options) { o.Compression = "unheard" },
	} {
		o := options()
		change(&o)
		if _, err := New(o, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}

// A partition that an answer leaves out is not taken for one that has the batch.
func TestAnswerWithoutThePartition(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver) {
		c.set(func() { c.emptyAnswers = 2 })
		owner := &fakeOwner{}
		addRecords(t, p, owner, "logs", "a", "b")
		time.Sleep(500 * time.Millisecond)
		owner.want(t, 0, 0, 0)
		time.Sleep(time.Minute)
		owner.want(t, 2, 0, 0)
		if obs.retried != 4 {
			t.Errorf("%d records sent once more, want 4", obs.retried)
		}
	})
}

// Metadata that comes after Close places nothing: nobody would release it.
func TestUpdateAfterClose(t *testing.T) {
	o := options()
	o.Partitioner = RoundRobin
	inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		owner := &fakeOwner{}
		addRecords(t, p, owner, "later", numbers(0, 100)...)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		answer := kmsg.NewPtrMetadataResponse()
		answer.Topics = append(answer.Topics, metadataOf("later", []int32{0, 0}))
		p.Update([]string{"later"}, answer)
		time.Sleep(time.Minute)
		owner.want(t, 0, 0, 100)
	})
}
