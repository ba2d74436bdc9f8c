package produce

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A panic where the producer's lock is held leaves the lock free: Fluent Bit's
// own thread takes it.
func TestPanicLeavesNoLock(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		prepare func(p *Producer)
	}{
		{"applying the metadata of a topic", func(p *Producer) {
			p.ensureTopicLocked("demo.json").partitions = []*partition{nil}
		}},
		{"assigning records to their partitions", func(p *Producer) {
			t := p.ensureTopicLocked("demo.json")
			t.unassigned.open = &batch{queue: &t.unassigned, wire: make([]byte, batchHeaderBytes), runs: []run{{owner: new(fakeOwner), records: 1}}, count: 1}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			obs := &fakeObserver{}
			p, err := New(options(), newFakeCluster(), obs)
			if err != nil {
				t.Fatal(err)
			}
			defer p.cancel()
			row.prepare(p)
			answer := kmsg.NewPtrMetadataResponse()
			topic, partition := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
			topic.Topic = kmsg.StringPtr("demo.json")
			topic.Partitions = append(topic.Partitions, partition)
			answer.Topics = append(answer.Topics, topic)
			func() {
				defer p.recoverPanic()
				p.applyMetadata([]string{"demo.json"}, answer, nil)
			}()
			if !p.mu.TryLock() {
				t.Fatal("the producer's lock is held by nobody")
			}
			p.mu.Unlock()
			if len(obs.panics) != 1 {
				t.Errorf("contained %v", obs.panics)
			}
		})
	}
}

// A panic ends the request it happened in, and leaves alone one that is on the
// way since.
func TestPanicLeavesTheNextRequest(t *testing.T) {
	t.Parallel()
	obs, owner := &fakeObserver{}, &fakeOwner{}
	p := &Producer{observer: obs}
	b, part := new(broker), new(partition)
	failed := &request{producer: p, broker: b, batches: []partitionBatch{{topic: new(topic), partition: part, batch: &batch{state: inflight, runs: []run{{owner: owner, records: 3}}}}}}
	next := &request{producer: p, broker: b}
	for _, row := range []struct {
		when            string
		inflight, after *request
	}{
		{"after it was completed", next, next},
		{"before it was completed", failed, nil},
	} {
		b.inflight, part.inflight = row.inflight, row.inflight
		func() {
			defer p.releaseOnPanic(failed)
			panic(row.when)
		}()
		if b.inflight != row.after || part.inflight != row.after {
			t.Errorf("%s: the request of the broker is %p, of the partition %p, want %p", row.when, b.inflight, part.inflight, row.after)
		}
	}
	if len(obs.panics) != 2 {
		t.Errorf("contained %v", obs.panics)
	}
	owner.want(t, 0, 0, 3) // once
}

// A panic while a request is made costs its records their place, and no more:
// the next requests are sent.
func TestPanicWhileSending(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver) {
		owner := &fakeOwner{}
		for range 2 { // the second shows that sending goes on
			b := &batch{runs: []run{{owner: owner, records: 1}}, count: 1, state: inflight, compressed: true} // no wire
			broken := p.brokers[1000]
			if broken == nil {
				broken = new(broker)
			}
			p.mu.Lock()
			p.brokers[1000] = broken
			(&request{producer: p, broker: broken, batches: []partitionBatch{{topic: new(topic), partition: new(partition), batch: b}}}).startLocked()
			p.mu.Unlock()
			synctest.Wait()
		}
		owner.want(t, 0, 0, 2)
		if len(obs.panics) != 2 {
			t.Errorf("contained %v", obs.panics)
		}
		obs.panics = nil
		addRecords(t, p, owner, "logs", "afterwards")
		time.Sleep(time.Second)
		owner.want(t, 1, 0, 2)
	})
}

// panickyOwner is one that panics when it is told.
type panickyOwner struct{ fakeOwner }

func (o *panickyOwner) Acked(int, int64)   { panic("acked") }
func (o *panickyOwner) Released(int)       { panic("released") }
func (o *panickyOwner) Held(string, error) { panic("held") }

// A panic of an owner is its own: the others hear of their records, and once.
func TestOwnerPanics(t *testing.T) {
	for _, end := range []string{"acked", "released"} {
		synctest.Test(t, func(t *testing.T) {
			c, obs := newFakeCluster(), &fakeObserver{}
			p, err := New(options(), c, obs)
			if err != nil {
				t.Fatal(err)
			}
			first, second := &fakeOwner{}, &fakeOwner{}
			addRecords(t, p, first, "logs", "a")
			addRecords(t, p, &panickyOwner{}, "logs", "b")
			addRecords(t, p, second, "logs", "c")
			if end == "acked" {
				time.Sleep(time.Minute)
			}
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
			acked, released := 1, 0
			if end == "released" {
				acked, released = 0, 1
			}
			first.want(t, acked, 0, released)
			second.want(t, acked, 0, released)
			if len(obs.panics) != 1 || obs.panics[0] != end {
				t.Errorf("contained %v, want %s", obs.panics, end)
			}
		})
	}
}
