package plugin

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

const (
	memoryLimit = 8 << 20  // buffer_limit
	memoryExtra = 20 << 20 // allowed in addition to it
)

// fakeEngine advances its chunks in one goroutine, as Fluent Bit's engine does.
type fakeEngine struct {
	queue chan *engineChunk
	done  int
}

type engineChunk struct {
	c      *Chunk
	data   []byte
	queued atomic.Bool
	ended  bool // a wake may come as the result does
	engine *fakeEngine
}

// Wake implements Waker: the chunk is advanced in its turn.
func (w *engineChunk) Wake(Result) {
	if w.queued.CompareAndSwap(false, true) {
		w.engine.queue <- w // there is a place for every chunk
	}
}

func (e *fakeEngine) submit(o *Output, data []byte) {
	w := &engineChunk{data: data, engine: e}
	w.c = o.Submit("test.tag", data, w, false)
	w.Wake(Pending)
}

// advance advances woken chunks, until that many are done or the time is over.
func (e *fakeEngine) advance(t *testing.T, until int, limit time.Duration) {
	t.Helper()
	timeout := time.After(limit)
	for e.done < until {
		select {
		case w := <-e.queue:
			w.queued.Store(false)
			if w.ended {
				continue
			}
			switch r := w.c.Advance(w.data); r {
			case Pending:
			case OK:
				w.ended = true
				e.done++
			default:
				t.Fatalf("result %d", r)
			}
		case <-timeout:
			return
		}
	}
}

// tinyEvents is a chunk of about size bytes of the smallest events there are.
func tinyEvents(size int) (b []byte, n int) {
	for ; len(b) < size; n++ {
		b = append(b, 0x92, 0x92, 0xd7, 0x00, 0x4b, 0x3d, 0x3b, 0x00, 0, 0, 0, 0, 0x80)
		b = msgp.AppendMapHeader(b, 1)
		b = msgp.AppendString(b, "a")
		b = msgp.AppendInt(b, 1)
	}
	return b, n
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// However many chunks come while the endpoint is away, they take no more than
// buffer_limit and a constant; all of them are stored when it is back. Not parallel:
// the heap is the process's.
func TestMemoryIsBounded(t *testing.T) {
	large := events(0, 2000, strings.Repeat("x", 1000))
	small := events(0, 1, strings.Repeat("x", 1000))
	many, manyRecords := tinyEvents(256 << 10)
	type kind struct {
		data    []byte
		records int
	}
	shapes := []struct {
		name   string
		chunks int
		kinds  []kind
	}{
		{"chunks of 2 MB", 5, []kind{{large, 2000}}},
		{"chunks of 1 KB", 8000, []kind{{small, 1}}},
		{"large and tiny records in turn", 12, []kind{{large, 2000}, {many, manyRecords}, {many, manyRecords}, {many, manyRecords}}},
	}
	outages := []struct {
		name  string
		begin func(t *testing.T, e *sls.Endpoint) (end func())
	}{
		{"unreachable", nil},
		{"authorisation refused", func(_ *testing.T, e *sls.Endpoint) func() {
			return e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1}).Remove
		}},
		{"silent", func(_ *testing.T, e *sls.Endpoint) func() {
			var answer atomic.Bool
			e.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
				e.Cluster().KeepControl()
				return nil, nil, !answer.Load()
			})
			return func() { answer.Store(true) }
		}},
	}
	for _, outage := range outages {
		for _, shape := range shapes {
			if len(shape.kinds) > 1 && outage.name != "authorisation refused" {
				continue // the kind of outage makes no difference to admission
			}
			t.Run(outage.name+"/"+shape.name, func(t *testing.T) {
				bubble(t, func(t *testing.T, network testNetwork) {
					options := sls.Options{DiscardLogs: true, CA: newCA(t), Listen: network.freeAddress(t)}
					properties := propertiesFor(t, options.Listen, options.CA.PEM())
					properties["buffer_limit"], properties["request_timeout"] = "8M", "100ms"
					properties["compression"], properties["retry_backoff"], properties["retry_backoff_max"] = "none", "200ms", "400ms"
					var e *sls.Endpoint
					end := func() { e, _ = network.startEndpoint(t, options) }
					if outage.begin != nil {
						e, _ = network.startEndpoint(t, options)
						end = outage.begin(t, e)
					}
					before := liveHeap()
					o, _ := network.startOutput(t, properties)
					engine := &fakeEngine{queue: make(chan *engineChunk, shape.chunks)}
					sent, peak := 0, int64(0)
					for i := range shape.chunks {
						k := shape.kinds[i%len(shape.kinds)]
						sent += k.records
						engine.submit(o, k.data)
						if i%max(1, shape.chunks/5) == 0 {
							engine.advance(t, shape.chunks, 50*time.Millisecond)
							peak = max(peak, liveHeap()-before)
						}
					}
					for range 5 {
						engine.advance(t, shape.chunks, 100*time.Millisecond)
						peak = max(peak, liveHeap()-before)
					}
					used, waiting := o.admission.load()
					if waiting == 0 {
						t.Error("no chunk waits for room: the limit was not tried")
					}
					end()
					engine.advance(t, shape.chunks, testTimeout)
					if engine.done != shape.chunks {
						t.Errorf("%d of %d chunks done", engine.done, shape.chunks)
					}
					if got := e.Count("demo"); got < sent || outage.name != "silent" && got > sent {
						t.Errorf("%d records stored of %d", got, sent)
					}
					t.Logf("FIGURES heap +%.1f MB at most, %.1f MB accounted for, %d chunks waiting; %d records sent, %d stored",
						float64(peak)/(1<<20), float64(used)/(1<<20), waiting, sent, e.Count("demo"))
					if peak > memoryLimit+memoryExtra {
						t.Errorf("%d bytes of heap, at most %d are allowed", peak, memoryLimit+memoryExtra)
					}
				})
			})
		}
	}
}
