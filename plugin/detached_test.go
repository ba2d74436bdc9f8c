package plugin

import (
	"encoding/binary"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// A chunk whose blocking flush ended by flush_timeout is not sent twice when Fluent
// Bit submits it again.
func TestDetachedChunkIsReattached(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		l := newLoad(t, o, e)
		e.DelayAcks(time.Hour)
		chunk := events(0, 500, "hello")
		c := o.Submit("test.tag", chunk, make(channelWaker, 1), true)
		if r := c.Advance(chunk); r != Pending {
			t.Fatalf("result %d", r)
		}
		waitCount(t, e, 500)
		c.Detach(chunk)
		e.DelayAcks(0)
		l.add(chunk, 500)
		l.wantStored(0, 0)
		if len(o.detached.chunks) != 0 {
			t.Errorf("%d chunks are still remembered", len(o.detached.chunks))
		}
	})
}

// A detached chunk does not wait for room any longer: Fluent Bit may never submit it
// again, and nobody else can encode it.
func TestDetachedWhileWaiting(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		o.admission.limit = 1
		e.DelayAcks(time.Hour)
		first, second := events(0, 500, "hello"), events(500, 500, "hello")
		w := make(channelWaker, 1)
		c := o.Submit("test.tag", first, w, true)
		c.Advance(first)
		waiting := o.Submit("test.tag", second, make(channelWaker, 1), true)
		if r := waiting.Advance(second); r != Pending {
			t.Fatalf("result %d of a chunk without room, want %d", r, Pending)
		}
		waiting.Detach(second)
		e.DelayAcks(0)
		if r := await(c, w, first); r != OK {
			t.Fatalf("result %d", r)
		}
		if used, queued := o.admission.load(); used != 0 || queued != 0 {
			t.Errorf("%d bytes are reserved for nobody, %d chunks waiting", used, queued)
		}
		if r := deliver(t, o, second); r != OK {
			t.Errorf("result %d when given again", r)
		}
	})
}

// As many chunks as Fluent Bit has tasks may be detached, done, and submitted again: none
// is forgotten. Of more than that the oldest goes.
func TestManyDetachedChunks(t *testing.T) {
	t.Parallel()
	var d detachedChunks
	chunk := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	begin := time.Now()
	for n := range maxDetached + 1 {
		d.put(&Chunk{tag: "test.tag", result: OK, submitted: begin.Add(time.Duration(n))}, chunk(n))
	}
	for n := range maxDetached + 1 {
		if found := d.take("test.tag", chunk(n)) != nil; found != (n > 0) {
			t.Fatalf("chunk %d of %d is remembered: %v", n, maxDetached+1, found)
		}
	}
}
