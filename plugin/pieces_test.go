package plugin

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/test/sls"
)

// groupOf is a chunk of n events, all in one group with an attribute of that size.
func groupOf(size, n int) []byte {
	b := append([]byte{0x92, 0x92, 0xd7, 0x00}, "\xff\xff\xff\xff\x00\x00\x00\x00\x81\xa6schema\xa4otlp"...)
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "resource")
	b = msgp.AppendString(b, strings.Repeat("r", size))
	return append(b, events(0, n, "x")...)
}

// What options add to every record makes hundreds of megabytes of a small chunk. It
// takes no more memory than any other chunk, all of it lands, and other chunks land
// while it does. Not parallel: the heap is the process's.
func TestAddedFieldsAreBounded(t *testing.T) {
	const n = 1500
	for name, c := range map[string]struct {
		option, tag string
		chunk       []byte
	}{
		"group_key": {"group_key", "test.tag", groupOf(120_000, n)},
		"tag_key":   {"tag_key", strings.Repeat("t", 120_000), events(0, n, "x")},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network testNetwork) {
				e, properties := network.startEndpoint(t, sls.Options{DiscardLogs: true})
				properties["buffer_limit"], properties["compression"], properties[c.option] = "8M", "none", "added"
				o, h := network.startOutput(t, properties)
				h.wait("reachable")
				e.DelayAcks(10 * time.Millisecond)
				before, peak := liveHeap(), int64(0)
				engine := &fakeEngine{queue: make(chan *engineChunk, 2)}
				w := &engineChunk{data: c.chunk, engine: engine}
				w.c = o.Submit(c.tag, c.chunk, w, false)
				w.Wake(Pending)
				others, stored := 0, 0
				for engine.done < 1+others || others == 0 {
					engine.advance(t, engine.done+1, 5*time.Millisecond)
					peak = max(peak, liveHeap()-before)
					if used, _ := o.admission.load(); used > memoryLimit+1<<20 {
						t.Fatalf("%d bytes are accounted for, the limit is %d", used, memoryLimit)
					}
					if engine.done == 1 && stored == 0 {
						stored = e.Count("demo")
					}
					if e.Count("demo") > n/10 && others == 0 {
						others++
						engine.submit(o, events(n, 1, "other"))
					}
				}
				if stored >= n {
					t.Errorf("the other chunk is done after %d records", stored)
				}
				if got := e.Count("demo"); got != n+1 {
					t.Errorf("%d records stored, want %d", got, n+1)
				}
				t.Logf("FIGURES heap +%.1f MB at most for a chunk of %d bytes, %d bytes on the wire", float64(peak)/(1<<20), len(c.chunk), o.stats.acknowledgedBytes.Load())
				if peak > memoryLimit+memoryExtra {
					t.Errorf("%d bytes of heap, at most %d are allowed", peak, memoryLimit+memoryExtra)
				}
			})
		})
	}
}

// A blocking flush that ends between two parts takes nothing back: the next flush
// goes on where this one stopped.
func TestDetachBetweenParts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		const n = 300
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["buffer_limit"], properties["group_key"], properties["compression"] = "1M", "g", "none"
		o, _ := network.startOutput(t, properties)
		e.DelayAcks(time.Second)
		chunk, flushes := groupOf(50_000, n), 0
		for r := Pending; r == Pending; flushes++ {
			w := make(channelWaker, 1)
			c := o.Submit("test.tag", bytes.Clone(chunk), w, true)
			timeout := time.After(2500 * time.Millisecond)
			for waits := true; waits && r == Pending; {
				if r = c.Advance(chunk); r != Pending {
					break
				}
				select {
				case <-w:
				case <-timeout:
					c.Detach(chunk)
					waits = false
				}
			}
		}
		if got := e.Count("demo"); got != n || flushes < 3 {
			t.Errorf("%d records stored by %d flushes, want %d", got, flushes, n)
		}
	})
}
