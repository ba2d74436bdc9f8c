package produce

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// smallBatches are options of batches that bigValue fills.
func smallBatches() Options {
	o := options()
	o.MaxBatchBytes = 4000
	return o
}

var bigValue = strings.Repeat("x", 3500)

var partitionerNames = map[Partitioner]string{Uniform: "uniform", RoundRobin: "round robin", KeyHash: "key hash"}

// A partition that cannot be reached costs nothing but time: round robin passes it
// over, and after abandonAfter the records of its keys go elsewhere. The other
// partition never waits.
func TestPartitionOutOfReach(t *testing.T) {
	for _, row := range []struct {
		name    string
		prepare func(c *fakeCluster)
	}{
		{"no leader", func(c *fakeCluster) { c.leaders["logs"] = []int32{0, -1} }},
		{"no answer", func(c *fakeCluster) {
			c.leaders["logs"] = []int32{0, 1}
			c.noAnswer = func(broker int32) error {
				if broker == 1 {
					return errors.New("connection refused")
				}
				return nil
			}
		}},
	} {
		for partitioner, name := range partitionerNames {
			t.Run(row.name+", "+name, func(t *testing.T) {
				o := options()
				o.Partitioner = partitioner
				inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
					c.set(func() { row.prepare(c) })
					owner, total, least := &fakeOwner{}, 0, 0
					for second := range 12 * 60 {
						var records []Record
						for key := range 16 {
							records = append(records, Record{Topic: "logs", Key: []byte{byte('a' + key)}, Value: fmt.Append(nil, second, key)})
						}
						addFor(p, owner, records)
						total += len(records)
						time.Sleep(time.Second)
						p.Tick(time.Now())
						if least = total - 3*16; partitioner == KeyHash && second < 11*60 {
							least = total/4 - 16 // of each 16 at least some 4 have keys of the other partition
						}
						if acked, _ := owner.count(); second > 10 && acked < least {
							t.Fatalf("after %d s %d of %d records are acknowledged, want %d", second, acked, total, least)
						}
					}
					time.Sleep(30 * time.Second)
					owner.want(t, total, 0, 0)
				})
			})
		}
	}
}

// A broker that lost one request is tried again within half a minute, though each
// request for metadata fails at once: postponed each time, it would never be.
func TestMetadataFailsAtOnce(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		owner := &fakeOwner{}
		addRecords(t, p, owner, "logs", "first")
		time.Sleep(time.Second)
		c.set(func() {
			lost := false
			c.noMetadata = errors.New("no such host")
			c.breaks = func(*kmsg.ProduceRequest) bool {
				defer func() { lost = true }()
				return !lost
			}
		})
		for i := range 300 {
			addRecords(t, p, owner, "logs", numbers(i, 1)...)
			time.Sleep(time.Second)
			if acked, _ := owner.count(); i > 30 && acked < i-2 {
				t.Fatalf("after %d s %d records are acknowledged", i, acked)
			}
		}
		owner.want(t, 301, 0, 0)
		if _, asked := c.requests(); len(asked) > 30 {
			t.Errorf("%d requests for metadata in 5 minutes", len(asked))
		}
	})
}

// One shard that answers with an error of the topic stops no other.
func TestTopicErrorOfOneShard(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.UnknownTopicOrPartition, kerr.TopicAuthorizationFailed} {
		for _, partitioner := range []Partitioner{Uniform, RoundRobin} {
			t.Run(e.Message+", "+partitionerNames[partitioner], func(t *testing.T) {
				o := smallBatches()
				o.Partitioner = partitioner
				inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
					c.set(func() {
						c.leaders["logs"] = []int32{0, 0, 0, 0}
						c.refuse = func(_ string, partition int32, _ []string) *kerr.Error {
							if partition == 3 {
								return e
							}
							return nil
						}
					})
					owner := &fakeOwner{}
					for i := range 400 { // 20 s; the three others take 15 batches in 50 ms at most
						addRecords(t, p, owner, "logs", slices.Repeat([]string{bigValue}, 10)...)
						time.Sleep(50 * time.Millisecond)
						if acked, _ := owner.count(); i > 20 && acked < 10*i*9/10 {
							t.Fatalf("%d of %d records are acknowledged", acked, 10*i)
						}
					}
					time.Sleep(time.Minute)
					owner.want(t, 4000, 0, 0)
				})
			})
		}
	}
}

// A fault of 20 ms that eight brokers report is one failure of the topic.
func TestBrokersReportOneFault(t *testing.T) {
	inFakeTime(t, smallBatches(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		c.set(func() { c.leaders["logs"] = []int32{0, 1, 2, 3, 4, 5, 6, 7} })
		owner := &fakeOwner{}
		addRecords(t, p, owner, "logs", "first")
		time.Sleep(2 * recently)
		c.set(func() { c.refuse = func(string, int32, []string) *kerr.Error { return kerr.TopicAuthorizationFailed } })
		addRecords(t, p, owner, "logs", slices.Repeat([]string{bigValue}, 16)...)
		time.Sleep(20 * time.Millisecond)
		c.set(func() { c.refuse = nil })
		time.Sleep(1200 * time.Millisecond)
		owner.want(t, 17, 0, 0)
	})
}

// A broker that names records of each batch it refuses (KIP-467) proves nothing by that,
// and makes no loop without a wait.
func TestNamesProveNothing(t *testing.T) {
	for name, names := range map[string][]int32{"out of range": {5000}, "below range": {-1}, "always the first": {0}, "the first and one out of range": {0, 5000}} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
				c.set(func() {
					c.names = names
					c.refuse = func(string, int32, []string) *kerr.Error { return kerr.InvalidRecord }
				})
				owner := &fakeOwner{}
				for i := range 50 {
					addRecords(t, p, owner, "logs", numbers(100*i, 100)...)
				}
				time.Sleep(time.Minute)
				if produced, _ := c.requests(); len(produced) > 60 {
					t.Errorf("%d requests in a minute", len(produced))
				}
				owner.want(t, 0, 0, 0)
				c.set(func() { c.refuse = nil })
				time.Sleep(2 * time.Minute)
				owner.want(t, 5000, 0, 0)
			})
		})
	}
}

// A service that fails by chance, for each batch or for each request, costs no record.
func TestFailuresByChance(t *testing.T) {
	const lasts = 8 * time.Minute
	for _, percent := range []int{10, 30, 60, 90} {
		for _, partitions := range []int{1, 4} {
			for _, requests := range []bool{false, true} {
				for _, every := range []time.Duration{0, 10 * time.Second, 100 * time.Millisecond} { // of fresh records; 0: none
					t.Run(fmt.Sprintf("%d percent, %d partitions, whole requests %t, fresh ones every %v", percent, partitions, requests, every), func(t *testing.T) {
						inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
							chance := rand.New(rand.NewPCG(1, uint64(percent)))
							fails := func() bool { return time.Since(c.begin) < lasts && chance.IntN(100) < percent }
							all := false
							c.set(func() {
								c.leaders["logs"] = make([]int32, partitions)
								c.breaks = func(*kmsg.ProduceRequest) bool { all = requests && fails(); return false }
								c.refuse = func(string, int32, []string) *kerr.Error {
									if all || !requests && fails() {
										return kerr.UnknownServerError
									}
									return nil
								}
							})
							owner, total := &fakeOwner{}, 0
							add := func(n int) { addRecords(t, p, owner, "logs", numbers(total, n)...); total += n }
							for range 20 {
								add(100)
							}
							for every > 0 && time.Since(c.begin) < lasts {
								add(10)
								time.Sleep(every)
							}
							time.Sleep(lasts + 30*time.Minute)
							owner.want(t, total, 0, 0)
						})
					})
				}
			}
		}
	}
}

// Brokers that lead nothing are forgotten: a cluster may give its nodes other ids each
// time.
func TestBrokersAreForgotten(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		owner := &fakeOwner{}
		for i := range 200 {
			c.set(func() { c.leaders["logs"] = []int32{int32(i)} })
			addRecords(t, p, owner, "logs", "x")
			time.Sleep(6 * time.Second)
			p.Tick(time.Now())
		}
		owner.want(t, 200, 0, 0)
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.brokers) > 2 {
			t.Errorf("%d brokers are kept", len(p.brokers))
		}
	})
}

// A record that each of its requests is lost for is tried alone at last: what is sent with it
// would be lost too, or land twice, each time.
func TestLostRecordGoesAlone(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		tries, together := 0, 0
		c.set(func() {
			c.leaders["logs"] = make([]int32, 8)
			c.breaks = func(r *kmsg.ProduceRequest) bool {
				lost := false
				for _, part := range r.Topics[0].Partitions {
					lost = lost || bytes.Contains(part.Records, []byte("poison"))
				}
				if lost {
					tries++
				}
				if lost && len(r.Topics[0].Partitions) > 1 {
					together++
				}
				return lost
			}
		})
		owner, total := &fakeOwner{}, 1
		addRecords(t, p, owner, "logs", "poison")
		for second := range 300 {
			if second == 60 {
				c.set(func() { tries, together = 0, 0 })
			}
			addRecords(t, p, owner, "logs", slices.Repeat([]string{strings.Repeat("x", 1000)}, 100)...)
			total += 100
			time.Sleep(time.Second)
		}
		c.set(func() { c.breaks = nil })
		if tries == 0 || together > 0 {
			t.Errorf("the record was tried %d times after a minute, %d times with others", tries, together)
		}
		time.Sleep(time.Minute)
		owner.want(t, total, 0, 0)
	})
}
