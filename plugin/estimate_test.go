package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/test/sls"
)

// routedTo is a chunk of one event that names its logstore under "ns".
func routedTo(logstore string) []byte {
	b := []byte{0x92, 0x92, 0xd7, 0x00, 0x4b, 0x3d, 0x3b, 0x00, 0, 0, 0, 0, 0x80}
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "ns")
	return msgp.AppendString(b, logstore)
}

// A large chunk is admitted while another waits for ever, whatever the one
// before it showed: the constant cost of a chunk is not part of the expansion.
func TestTinyChunkDoesNotHoldLargeOnes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		properties["logstore_key"], properties["exit_timeout"] = "ns", "100ms"
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		missing := routedTo("not-there")
		o.Submit("test.tag", missing, make(channelWaker, 1), false).Advance(missing)
		if r := deliver(t, o, events(0, 1, "x")); r != OK {
			t.Fatalf("result %d of a tiny chunk", r)
		}
		large := events(1, 1500, strings.Repeat("x", 1000))
		w := make(channelWaker, 1)
		c := o.Submit("test.tag", large, w, false)
		used, waiting := o.admission.load()
		if waiting != 0 {
			t.Errorf("a chunk of %d bytes waits for room: %d of %d bytes are in use", len(large), used, o.admission.limit)
		}
		if r := await(c, w, large); r != OK {
			t.Errorf("result %d of a large chunk", r)
		}
	})
}

// Sixteen large chunks that fit into buffer_limit together are admitted together,
// though a tiny one comes before each.
func TestTinyAndLargeChunksInTurn(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Shards: 4, DiscardLogs: true})
		properties["buffer_limit"], properties["compression"] = "8M", "none"
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		e.DelayAcks(time.Hour)
		large, tiny := events(1, 375, strings.Repeat("x", 1000)), events(0, 1, "x")
		type flush struct {
			c     *Chunk
			w     channelWaker
			chunk []byte
		}
		var flushes []flush
		for range 16 {
			for _, chunk := range [][]byte{tiny, large} {
				w := make(channelWaker, 1)
				c := o.Submit("test.tag", chunk, w, false)
				c.Advance(chunk)
				flushes = append(flushes, flush{c, w, chunk})
			}
		}
		if used, waiting := o.admission.load(); waiting != 0 {
			t.Errorf("%d chunks wait for room: %d of %d bytes are in use", waiting, used, o.admission.limit)
		}
		e.DelayAcks(0)
		for _, f := range flushes {
			if r := await(f.c, f.w, f.chunk); r != OK {
				t.Errorf("result %d", r)
			}
		}
	})
}
