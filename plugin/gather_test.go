package plugin

import (
	"strings"
	"testing"
	"time"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/produce"
	"out_sls_kafka/test/sls"
)

// resultWaker takes the results that a chunk wakes it with.
type resultWaker chan Result

func (w resultWaker) Wake(r Result) {
	if r != Pending {
		w <- r
	}
}

// result awaits a result.
func (w resultWaker) result(t *testing.T) Result {
	t.Helper()
	select {
	case r := <-w:
		return r
	case <-time.After(patient):
		t.Fatalf("no wake in %v", patient)
		return Pending
	}
}

// Chunks taken in together are sent together, at once: they are not to linger.
func TestGather(t *testing.T) {
	t.Parallel()
	e, properties := startEndpoint(t, sls.Options{})
	properties["linger"] = "10s"
	o, _ := startOutput(t, properties)
	const chunks, n = 20, 5
	before := time.Now()
	for round := 1; round <= 3; round++ {
		var wakers []resultWaker
		o.Gather(func() {
			for i := range chunks {
				w, chunk := make(resultWaker, 2), events(i*n, n, "hello")
				if r := o.Submit("test.tag", chunk, w, false).Advance(chunk); r != Pending {
					t.Fatalf("result %d of a chunk that cannot have been sent", r)
				}
				wakers = append(wakers, w)
			}
		})
		for _, w := range wakers {
			if r := w.result(t); r != OK {
				t.Errorf("result %d", r)
			}
			if len(w) > 0 {
				t.Error("a second wake after the result")
			}
		}
		if got := e.ProduceRequests(); got != round {
			t.Errorf("%d requests for %d times %d chunks", got, round, chunks)
		}
	}
	if took := time.Since(before); took >= 10*time.Second {
		t.Errorf("it took %v: the records lingered", took)
	}
}

// A result is told by one wake at most, and nothing is told after it.
func TestResultIsToldOnce(t *testing.T) {
	t.Parallel()
	_, properties := startEndpoint(t, sls.Options{})
	o, _ := startOutput(t, properties)
	w, chunk := make(resultWaker, 2), events(0, 1, "hello")
	c := o.Submit("test.tag", chunk, w, false)
	eventually(t, "a result", func() bool { return c.Advance(chunk) != Pending })
	if c.wake() {
		t.Error("a wake after the result")
	}
	if len(w) > 1 || len(w) == 1 && <-w != OK {
		t.Error("wakes besides the result's")
	}
}

// A chunk whose first records are given back while the others are encoded ends
// only then: before, its data is still being read.
func TestChunkOutlivesItsReading(t *testing.T) {
	t.Parallel()
	_, properties := startEndpoint(t, sls.Options{})
	properties["linger"] = "10s"
	o, _ := startOutput(t, properties)
	w, chunk := make(resultWaker, 2), events(0, 1, "hello")
	c := o.Submit("test.tag", chunk, w, false)
	c.begun.Store(true)
	c.read()
	var b encoder.Batch
	o.encoder.Append(&b, chunk, "test.tag")
	c.pending.Store(2)
	o.producer.Add(c, c.records(nil, &b))
	if err := o.producer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	o.nudge()
	if c.state() != Retry || len(w) > 0 || o.idle() {
		t.Errorf("result %d, %d wakes: the chunk must have its result and keep it to itself", c.state(), len(w))
	}
	c.hasRead()
	if r := w.result(t); r != Retry || !o.idle() {
		t.Errorf("result %d, want %d and no chunk in flight", r, Retry)
	}
}

// A chunk of many pieces, with what is no event in the first and the last, lands
// but for that, and what it takes is known exactly.
func TestPieces(t *testing.T) {
	t.Parallel()
	e, properties := startEndpoint(t, sls.Options{})
	properties["linger"], properties["compression"] = "10s", "none"
	o, _ := startOutput(t, properties)
	const n = 3000
	chunk := append([]byte{0xc0}, events(0, n/2, "x")...)
	chunk = append(append(chunk, events(n/2, n/2, strings.Repeat("x", 1000))...), 0xc0)
	w := make(resultWaker, 2)
	o.Gather(func() {
		c := o.Submit("test.tag", chunk, w, false)
		c.Advance(chunk)
		var b encoder.Batch
		o.encoder.Append(&b, chunk, "test.tag")
		values := int64(0)
		for i := range b.Records {
			values += int64(len(b.Bytes(b.Records[i].Value)))
		}
		if used, _ := o.buffer.load(); used != values+n*produce.Framing+chunkRoom {
			t.Errorf("%d bytes of room are taken, want %d", used, values+n*produce.Framing+chunkRoom)
		}
	})
	if r := w.result(t); r != OK {
		t.Errorf("result %d", r)
	}
	if got, rejected := e.Count("demo"), o.stats.rejected.Load(); got != n || rejected != 2 {
		t.Errorf("%d records landed, %d were rejected, want %d and 2", got, rejected, n)
	}
}
