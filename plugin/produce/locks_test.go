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
		{"learning of a topic", func(p *Producer) {
			p.known("demo.json").shards = []*shard{nil}
		}},
		{"placing records that waited for their shards", func(p *Producer) {
			t := p.known("demo.json")
			t.homeless.open = &batch{queue: &t.homeless, wire: make([]byte, batchHeader), parts: []part{{new(fakeOwner), 1}}, count: 1}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := &fakeObserver{}
			p, err := New(options(), newFakeCluster(), w)
			if err != nil {
				t.Fatal(err)
			}
			defer p.cancel()
			row.prepare(p)
			answer := kmsg.NewPtrMetadataResponse()
			topic, shard := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
			topic.Topic = kmsg.StringPtr("demo.json")
			topic.Partitions = append(topic.Partitions, shard)
			answer.Topics = append(answer.Topics, topic)
			func() {
				defer p.contain()
				p.learn([]string{"demo.json"}, answer, nil)
			}()
			if !p.mu.TryLock() {
				t.Fatal("the producer's lock is held by nobody")
			}
			p.mu.Unlock()
			if len(w.panics) != 1 {
				t.Errorf("contained %v", w.panics)
			}
		})
	}
}

// A panic ends the request it happened in, and leaves alone one that is on the
// way since.
func TestPanicLeavesTheNextRequest(t *testing.T) {
	t.Parallel()
	w, owner := &fakeObserver{}, &fakeOwner{}
	p := &Producer{observer: w}
	b, s := new(broker), new(shard)
	failed := &request{producer: p, broker: b, sent: []shipment{{shard: s, batch: &batch{parts: []part{{owner, 3}}}}}}
	next := &request{producer: p, broker: b}
	for _, row := range []struct {
		when           string
		sending, after *request
	}{
		{"after it was settled", next, next},
		{"before it was settled", failed, nil},
	} {
		b.sending, s.sending = row.sending, row.sending
		func() {
			defer p.guard(failed)
			panic(row.when)
		}()
		if b.sending != row.after || s.sending != row.after {
			t.Errorf("%s: the broker is sending %p, the shard %p, want %p", row.when, b.sending, s.sending, row.after)
		}
	}
	if len(w.panics) != 2 {
		t.Errorf("contained %v", w.panics)
	}
	owner.want(t, 0, 0, 6)
}

// A panic while a request is made costs its records their place, and no more:
// the next requests are sent.
func TestPanicWhileSending(t *testing.T) {
	inFakeTime(t, options(), func(t *testing.T, p *Producer, c *fakeCluster, w *fakeObserver) {
		owner := &fakeOwner{}
		for range 2 { // the second shows that sending goes on
			b := &batch{parts: []part{{owner, 1}}, count: 1, ready: true} // no wire
			broken := p.brokers[1000]
			if broken == nil {
				broken = new(broker)
			}
			p.mu.Lock()
			p.brokers[1000] = broken
			(&request{producer: p, broker: broken, sent: []shipment{{topic: new(topic), shard: new(shard), batch: b}}}).start()
			p.mu.Unlock()
			synctest.Wait()
		}
		owner.want(t, 0, 0, 2)
		if len(w.panics) != 2 {
			t.Errorf("contained %v", w.panics)
		}
		w.panics = nil
		add(t, p, owner, "logs", "afterwards")
		time.Sleep(time.Second)
		owner.want(t, 1, 0, 2)
	})
}

// panickyOwner is one that panics when it is told.
type panickyOwner struct{ fakeOwner }

func (o *panickyOwner) Acked(int)    { panic("acked") }
func (o *panickyOwner) Released(int) { panic("released") }

// A panic of an owner is its own: the others hear of their records, and once.
func TestOwnerPanics(t *testing.T) {
	for _, end := range []string{"acked", "released"} {
		synctest.Test(t, func(t *testing.T) {
			c, w := newFakeCluster(), &fakeObserver{}
			p, err := New(options(), c, w)
			if err != nil {
				t.Fatal(err)
			}
			first, second := &fakeOwner{}, &fakeOwner{}
			add(t, p, first, "logs", "a")
			add(t, p, &panickyOwner{}, "logs", "b")
			add(t, p, second, "logs", "c")
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
			if len(w.panics) != 1 || w.panics[0] != end {
				t.Errorf("contained %v, want %s", w.panics, end)
			}
		})
	}
}
