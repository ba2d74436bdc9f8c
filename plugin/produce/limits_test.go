package produce

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestLossesShowASize says from which losses and answers the size of a request counts as the
// reason that it was lost.
func TestLossesShowASize(t *testing.T) {
	t.Parallel()
	type event struct {
		bytes    int
		answered bool
	}
	lost := func(bytes int) event { return event{bytes, false} }
	took := func(bytes int) event { return event{bytes, true} }
	const large = 4 * leastRequestBytes
	for name, c := range map[string]struct {
		events []event
		limit  int // after the last one
	}{
		"large ones are lost, small ones are answered": {[]event{lost(large), took(large / 2), lost(large)}, large / 2},
		"of several answers the largest counts":        {[]event{lost(large), took(10), took(large / 2), took(20), lost(large)}, large / 2},
		"the limit has a floor":                        {[]event{lost(large), took(10), lost(large)}, leastRequestBytes},
		"one loss shows nothing":                       {[]event{took(large / 2), lost(large)}, 0},
		"an outage shows nothing":                      {[]event{lost(large), lost(large), lost(large), lost(large)}, 0},
		"nor does an outage after an answer":           {[]event{lost(large), took(10), lost(large), lost(large)}, 0},
		"as large a one was answered":                  {[]event{lost(large), took(large), lost(large)}, 0},
		"a small one was lost too":                     {[]event{lost(large), took(100), lost(50), took(20), lost(40)}, 0},
		"small ones alone are not made smaller":        {[]event{lost(100), took(10), lost(100), took(10), lost(100)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var (
				l          losses
				now        = time.Unix(1, 0)
				answeredAt time.Time
				limit      int
			)
			for _, e := range c.events {
				now = now.Add(time.Second)
				if e.answered {
					l.answer(e.bytes)
					answeredAt, limit = now, 0
					continue
				}
				limit = l.lost(e.bytes, answeredAt, now)
			}
			if limit != c.limit {
				t.Errorf("the limit is %d, want %d", limit, c.limit)
			}
		})
	}
}

// TestRequestsAfterLosses: after each loss a broker is asked for a quarter, so that what goes
// through is found soon, and never for less than what is not worth it.
func TestRequestsAfterLosses(t *testing.T) {
	t.Parallel()
	p := &Producer{options: Options{MaxRequestBytes: 16 * leastRequestBytes}}
	b, now := new(broker), time.Unix(1, 0)
	wait := func(int) time.Duration { return time.Second }
	for i, want := range []int{16, 4, 1, 1} {
		if got := p.requestBytesLocked(b, now); got != want*leastRequestBytes {
			t.Errorf("after %d losses a request has %d bytes, want %d", i, got, want*leastRequestBytes)
		}
		b.backoff.Failed(now, wait)
	}
	p.options.MaxRequestBytes = 100
	if got := p.requestBytesLocked(b, now); got != 100 {
		t.Errorf("a request has %d bytes, more than the 100 that are configured", got)
	}
}

// TestLimitOfRequestsIsForgotten: what losses showed counts no longer than it is kept to, also
// where no request of several batches asks for the limit.
func TestLimitOfRequestsIsForgotten(t *testing.T) {
	t.Parallel()
	p := &Producer{options: Options{MaxRequestBytes: 4 * leastRequestBytes}}
	b, learnt := new(broker), time.Unix(1, 0)
	b.atOnce.learn(leastRequestBytes, p.options.MaxRequestBytes, learnt)
	for _, at := range []struct {
		after    time.Duration
		tooLarge bool
	}{{0, true}, {learntFor, true}, {2*learntFor + 1, false}} {
		if got := p.tooLargeLocked(b, leastRequestBytes+1, learnt.Add(at.after)); got != at.tooLarge {
			t.Errorf("after %v a larger one is too large: %v", at.after, got)
		}
	}
	if p.tooLargeLocked(new(broker), 1<<30, learnt) {
		t.Error("without a loss something is too large")
	}
}

// The size of a request is what is sent: of a batch that was open, after compression.
func TestRequestBytesAreThoseSent(t *testing.T) {
	o := options()
	o.Compression, o.MaxBatchBytes = "gzip", 1<<20
	inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		sent := 0
		c.set(func() {
			c.breaks = func(r *kmsg.ProduceRequest) bool {
				sent = len(r.Topics[0].Partitions[0].Records)
				return false
			}
		})
		owner := &fakeOwner{}
		addRecords(t, p, owner, "logs", slices.Repeat([]string{strings.Repeat("x", 4000)}, 100)...)
		time.Sleep(time.Second)
		owner.want(t, 100, 0, 0)
		p.mu.Lock()
		defer p.mu.Unlock()
		if got := p.brokers[0].losses.answered; got != sent {
			t.Errorf("a request of %d bytes counts as one of %d", sent, got)
		}
	})
}

// A broker that loses large requests is asked for less. The others are not.
func TestLossesOfOneBroker(t *testing.T) {
	o := options()
	inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		largest := make(map[string]int) // request, by topic
		c.set(func() {
			c.leaders["logs"], c.leaders["others"] = make([]int32, 40), slices.Repeat([]int32{1}, 40)
			c.breaks = func(r *kmsg.ProduceRequest) bool {
				size, topic := 0, r.Topics[0].Topic
				for _, part := range r.Topics[0].Partitions {
					size += len(part.Records)
				}
				largest[topic] = max(largest[topic], size)
				return topic == "logs" && size > 200_000
			}
		})
		owner, total := &fakeOwner{}, 0
		for second := range 60 {
			if second == 40 {
				c.set(func() { clear(largest) })
			}
			for _, topic := range []string{"logs", "others"} {
				addRecords(t, p, owner, topic, slices.Repeat([]string{strings.Repeat("x", 400)}, 900)...)
				total += 900
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		owner.want(t, total, 0, 0)
		if largest["logs"] > 200_000 {
			t.Errorf("a broker that loses requests of more than 200000 bytes still gets one of %d", largest["logs"])
		}
		if largest["others"] < 300_000 {
			t.Errorf("a broker that loses nothing gets requests of %d bytes at most", largest["others"])
		}
	})
}
