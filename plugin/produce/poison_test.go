package produce

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// wantGood checks that so far at least that many records were acknowledged, and that
// none was rejected but bad ones.
func (o *fakeOwner) wantGood(t *testing.T, least int) {
	t.Helper()
	acked, rejected := o.count()
	if acked < least {
		t.Errorf("%d records are acknowledged, want %d", acked, least)
	}
	if i := slices.IndexFunc(rejected, func(v string) bool { return !strings.HasPrefix(v, "bad") }); i >= 0 {
		t.Errorf("%q is rejected", rejected[i])
	}
}

// Bad records delay the good ones of their batches, but stop nothing, neither at random
// nor with one in each batch, after several that came together.
func TestBadRecordsStopNothing(t *testing.T) {
	const seconds = 40
	for _, partitions := range []int{1, 2, 8} {
		for perMille, soon := range map[int]int{0: 90, 10: 90, 50: 0} { // 0: one in each batch; soon: percent acknowledged while they come
			t.Run(fmt.Sprint(partitions, " partitions, per mille ", perMille), func(t *testing.T) {
				inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
					c.set(func() {
						c.leaders["logs"] = make([]int32, partitions)
						c.refuse = refusing(kerr.InvalidRecord, "bad")
					})
					chance := rand.New(rand.NewPCG(3, uint64(perMille)))
					owner, good := &fakeOwner{}, 0
					if perMille == 0 {
						good += 92
						addRecords(t, p, owner, "logs", append(numbers(0, 92), slices.Repeat([]string{"bad"}, 8)...)...)
						time.Sleep(100 * time.Millisecond)
					}
					for second := range seconds {
						values := numbers(100*second, 100)
						for i := range values {
							if perMille == 0 && i == second%100 || chance.IntN(1000) < perMille {
								values[i] = "bad"
							} else {
								good++
							}
						}
						addRecords(t, p, owner, "logs", values...)
						time.Sleep(time.Second)
					}
					owner.wantGood(t, good*soon/100)
					time.Sleep(10 * time.Minute)
					owner.wantGood(t, good)
				})
			})
		}
	}
}

// A poisoned batch at the head of the line after an outage, with nothing fresh that
// could show whose fault it is, stops no other and not its good neighbours; when fresh
// records come, its record is rejected.
func TestPoisonAfterOutage(t *testing.T) {
	for name, values := range map[string][]string{
		"alone": {"bad"}, "middle": slices.Concat(numbers(0, 100), []string{"bad"}, numbers(100, 99)), "last": append(numbers(0, 199), "bad"),
	} {
		for _, partitions := range []int{1, 4} {
			for _, partitioner := range []Partitioner{Uniform, RoundRobin} {
				for _, outage := range []time.Duration{30 * time.Second, 10 * time.Minute} {
					t.Run(fmt.Sprintf("%s, %d partitions, %s, %v", name, partitions, partitionerNames[partitioner], outage), func(t *testing.T) {
						o := options()
						o.Partitioner = partitioner
						inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
							c.set(func() {
								c.leaders["logs"] = make([]int32, partitions)
								c.refuse = refusing(kerr.UnknownServerError, "")
							})
							first, others, fresh := &fakeOwner{}, &fakeOwner{}, &fakeOwner{}
							addRecords(t, p, first, "logs", values...)
							for i := range 20 { // then the buffer is full
								time.Sleep(50 * time.Millisecond)
								addRecords(t, p, others, "logs", numbers(1000+250*i, 250)...)
							}
							time.Sleep(outage)
							c.set(func() { c.refuse = refusing(kerr.UnknownServerError, "bad") })
							time.Sleep(time.Minute)
							others.wantGood(t, 4500)
							time.Sleep(30 * time.Minute)
							others.want(t, 5000, 0, 0)
							first.wantGood(t, len(values)-1)
							for i := range 200 {
								addRecords(t, p, fresh, "logs", numbers(i, 1)...)
								time.Sleep(3 * time.Second)
							}
							fresh.want(t, 200, 0, 0)
							first.want(t, len(values)-1, 1, 0)
						})
					})
				}
			}
		}
	}
}

// A poisoned record among many others, whatever error it is answered with, holds up
// neither them nor its neighbours.
func TestPoisonAmongOthers(t *testing.T) {
	for _, e := range []*kerr.Error{
		kerr.UnknownServerError, kerr.InvalidRecord, kerr.RequestTimedOut, kerr.ThrottlingQuotaExceeded, kerr.UnknownTopicOrPartition,
		kerr.CorruptMessage, kerr.InvalidRequiredAcks,
	} {
		for _, partitions := range []int{1, 2} {
			t.Run(fmt.Sprint(e.Message, " ", partitions), func(t *testing.T) {
				inFakeTime(t, smallBatches(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
					c.set(func() {
						c.leaders["logs"] = make([]int32, partitions)
						c.refuse = refusing(e, "bad")
					})
					mine, others, total := &fakeOwner{}, &fakeOwner{}, 0
					addRecords(t, p, mine, "logs", slices.Concat(numbers(0, 77), []string{"bad"}, numbers(77, 122))...)
					for begin := time.Now(); time.Since(begin) < 15*time.Second; time.Sleep(12 * time.Millisecond) {
						addRecords(t, p, others, "logs", slices.Repeat([]string{bigValue}, partitions)...)
						total += partitions
					}
					others.wantGood(t, total*99/100)
					mine.wantGood(t, 199)
				})
			})
		}
	}
}

// A broker that refuses whole requests for one record in them takes the others within a
// second, and the record is rejected; the same some seconds after it refused everything.
func TestRequestsRefusedWhole(t *testing.T) {
	for _, partitions := range []int{1, 2, 8, 32} {
		for _, bad := range []int{0, 1, 5} {
			t.Run(fmt.Sprintf("%d partitions, %d bad records", partitions, bad), func(t *testing.T) {
				inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
					all := false // of this request are refused
					c.set(func() {
						c.leaders["logs"] = make([]int32, partitions)
						c.breaks = func(r *kmsg.ProduceRequest) bool {
							since := time.Since(c.begin)
							all = since > 10*time.Second && since < 12*time.Second
							for _, part := range r.Topics[0].Partitions {
								all = all || bytes.Contains(part.Records, []byte("bad"))
							}
							return false
						}
						c.refuse = func(string, int32, []string) *kerr.Error {
							if all {
								return kerr.InvalidRecord
							}
							return nil
						}
					})
					mine, others, total := &fakeOwner{}, &fakeOwner{}, 0
					for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
						addRecords(t, p, others, "logs", numbers(total, 20)...)
						if total%2000 == 0 && total/2000 < bad {
							addRecords(t, p, mine, "logs", "bad")
						}
						total += 20
						if since := time.Since(begin); since > 16*time.Second || since > 8*time.Second && since < 10*time.Second {
							others.wantGood(t, total-2000)
						}
						if t.Failed() {
							t.Logf("after %v", time.Since(begin))
							return
						}
					}
					time.Sleep(10 * time.Minute)
					others.want(t, total, 0, 0)
					mine.want(t, 0, bad, 0)
				})
			})
		}
	}
}

// A batch that times out for ever does not keep another that failed once from its turn.
func TestRetryLineTakesTurns(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		failed := false
		bad := refusing(kerr.RequestTimedOut, "bad")
		c.set(func() {
			c.refuse = func(topic string, partition int32, values []string) *kerr.Error {
				if slices.Contains(values, "once") && !failed {
					failed = true
					return kerr.NotEnoughReplicas
				}
				return bad(topic, partition, values)
			}
		})
		poison, once, others, n := &fakeOwner{}, &fakeOwner{}, &fakeOwner{}, 0
		addRecords(t, p, poison, "logs", "bad")
		time.Sleep(40 * time.Millisecond)
		addRecords(t, p, once, "logs", "once")
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
			addRecords(t, p, others, "logs", numbers(n, 1)...)
			n++
		}
		once.want(t, 1, 0, 0)
		others.wantGood(t, n*99/100)
	})
}

// A record that ends each connection it is sent on costs its broker short waits alone.
func TestRecordEndsItsConnection(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		c.set(func() {
			c.leaders["logs"] = []int32{0, 0}
			c.breaks = func(r *kmsg.ProduceRequest) bool {
				for _, topic := range r.Topics {
					for _, partition := range topic.Partitions {
						if bytes.Contains(partition.Records, []byte("killer")) {
							return true
						}
					}
				}
				return false
			}
		})
		mine, others, n := &fakeOwner{}, &fakeOwner{}, 0
		addRecords(t, p, mine, "logs", append(numbers(0, 99), "killer")...)
		time.Sleep(30 * time.Millisecond)
		for i := range 1200 { // two minutes
			addRecords(t, p, others, "logs", numbers(n, 10)...)
			n += 10
			time.Sleep(100 * time.Millisecond)
			if i > 100 {
				others.wantGood(t, n-100) // one second
				mine.want(t, 99, 0, 0)
			}
			if t.Failed() {
				t.Fatalf("after %d records", n)
			}
		}
	})
}

// A batch that has to be alone in its request gets its turn while another topic always
// has more to send.
func TestExclusiveBatchGetsItsTurn(t *testing.T) {
	for adds := range 4 { // between two requests; each schedules
		t.Run(fmt.Sprint(adds), func(t *testing.T) {
			inFakeTime(t, smallBatches(), func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
				c.set(func() { c.leaders["many"], c.leaders["one"] = []int32{0}, []int32{0} })
				one, many := &fakeOwner{}, &fakeOwner{}
				addRecords(t, p, many, "many", "x")
				time.Sleep(time.Second)
				addRecords(t, p, many, "one", "x")
				time.Sleep(time.Second)
				release := p.Hold()
				addRecords(t, p, many, "many", slices.Repeat([]string{bigValue}, 200)...)
				addRecords(t, p, one, "one", "exclusive")
				p.mu.Lock()
				p.topics["one"].shared.open.exclusive = true
				p.mu.Unlock()
				release()
				for range 20 {
					time.Sleep(5 * time.Millisecond)
					for range adds {
						addRecords(t, p, many, "many", "y")
					}
					time.Sleep(5 * time.Millisecond)
				}
				one.want(t, 1, 0, 0)
			})
		})
	}
}

// An owner hears that its record waits while the record may be on its way again, by
// another broker's goroutine: nothing of the batch is read then. The race detector sees
// it, in real time only: what happens at two times of a bubble is ordered for it.
func TestHeldWhileItIsSent(t *testing.T) {
	t.Parallel()
	o := options()
	o.Backoff = func(int) time.Duration { return time.Millisecond }
	c, bad := newFakeCluster(), &fakeOwner{}
	c.leaders["logs"] = []int32{0, 1, 2, 3}
	c.refuse = refusing(kerr.InvalidRecord, "bad")
	p, err := New(o, c, &fakeObserver{})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		addRecords(t, p, bad, "logs", "bad")
		time.Sleep(20 * time.Millisecond)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if bad.held == 0 {
		t.Error("no owner heard that its record waits")
	}
}
