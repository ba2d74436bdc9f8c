package plugin

import (
	"flag"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// mixedFor is how long TestMixedSizes lasts.
var mixedFor = flag.Duration("mixed", time.Second, "how long chunks of long and short records are delivered")

// countingWaker counts its wakes.
type countingWaker struct{ n atomic.Int64 }

func (w *countingWaker) Wake(Result) { w.n.Add(1) }

// A chunk that is admitted while its encoding finds no room is woken afterwards:
// nobody else would advance it. The steps are those of Advance, with another chunk's
// acknowledgement in the middle.
func TestWakeWhileEncodingIsKept(t *testing.T) {
	t.Parallel()
	r := newRoom(t, true, "demo")
	o := &Output{}
	o.admission.limit, o.admission.single, o.logstores.single = 100*unit, true, true
	r.stores["demo"].account.known = true
	submit := func(units int64) (*Chunk, *countingWaker) {
		w := &countingWaker{}
		c := &Chunk{out: o, account: &r.stores["demo"].account, wanted: units * unit, waker: w, result: Pending}
		o.live.add(c)
		o.admission.holdLocked(c)
		return c, w
	}
	other, _ := submit(60)
	other.beginEncoding()
	other.endEncoding(true)
	c, w := submit(30)
	if !o.admission.isAdmitted(c) || !c.beginEncoding() {
		t.Fatal("there is room for both")
	}
	c.shareOf(r.stores["demo"]).pieceBytes = 90 * unit
	if o.admission.reserve(c, c.shares, 0) {
		t.Fatal("the chunk got room that another one holds")
	}
	other.setResult(OK) // makes the room, and wakes c, which cannot hear it now
	if n := w.n.Load(); n != 0 {
		t.Fatalf("%d wakes of a chunk that is being read", n)
	}
	c.endEncoding(false)
	if !o.admission.isAdmitted(c) {
		t.Fatal("the room was not given")
	}
	if n := w.n.Load(); n != 1 {
		t.Errorf("%d wakes after the chunk was read, want 1", n)
	}
}

// No chunk is forgotten where there is little room and what a chunk takes is
// guessed wrong again and again. In real time, over TCP: acknowledgements have to come
// while chunks are encoded.
func TestMixedSizes(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	_, properties := network.startEndpoint(t, sls.Options{Shards: 2, DiscardLogs: true})
	properties["buffer_limit"], properties["compression"], properties["linger"] = "1M", "none", "0s"
	o, h := network.startOutput(t, properties)
	h.wait("reachable")
	long := events(0, 1, strings.Repeat("x", 20_000))
	short, _ := tinyEvents(20_000)
	var done atomic.Int64
	var flushes sync.WaitGroup
	end := time.Now().Add(*mixedFor)
	for i := range 48 {
		flushes.Go(func() {
			for n := i; time.Now().Before(end); n++ {
				chunk := long
				if n%5 == 0 {
					chunk = short
				}
				if r := deliver(t, o, chunk); r != OK {
					t.Errorf("result %d, want %d", r, OK)
					return
				}
				done.Add(1)
			}
		})
	}
	flushes.Wait()
	t.Logf("FIGURES %d chunks in %v", done.Load(), *mixedFor)
}
