package plugin

import (
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// closedWaker fails the test when it is used after Close.
type closedWaker struct {
	channelWaker
	t      *testing.T
	closed *atomic.Bool
}

func (w closedWaker) Wake(r Result) {
	if w.closed.Load() {
		w.t.Error("a waker was used after Close")
	}
	w.channelWaker.Wake(r)
}

// Close is bounded and leaves nothing behind, whatever is in flight. The bubble checks
// that no connection is left.
func TestClose(t *testing.T) {
	t.Parallel()
	const exit = 500 * time.Millisecond
	for _, row := range []struct {
		name    string
		prepare func(t *testing.T, e *sls.Endpoint, o *Output)
		chunks  int
		want    Result
		most    time.Duration
	}{
		{"healthy and idle", func(*testing.T, *sls.Endpoint, *Output) {}, 0, OK, 10 * time.Millisecond},
		{"healthy, in flight", func(*testing.T, *sls.Endpoint, *Output) {}, 8, OK, 100 * time.Millisecond},
		{"answers outstanding", func(_ *testing.T, e *sls.Endpoint, _ *Output) { e.DelayAcks(time.Hour) }, 8, Retry, exit + 10*time.Millisecond},
		{"waiting to send again", func(_ *testing.T, e *sls.Endpoint, _ *Output) {
			e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
		}, 8, Retry, exit + 10*time.Millisecond},
		{"splitting batches", func(_ *testing.T, e *sls.Endpoint, _ *Output) {
			var n atomic.Int32
			e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: 1})
			e.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
				e.Cluster().KeepControl()
				return nil, nil, n.Add(1) > 1
			})
		}, 8, Retry, exit + 10*time.Millisecond},
		{"endpoint away", func(_ *testing.T, e *sls.Endpoint, _ *Output) { e.Close() }, 8, Retry, exit + 10*time.Millisecond},
		{"waiting for room", func(_ *testing.T, e *sls.Endpoint, o *Output) { e.DelayAcks(time.Hour); o.admission.limit = 1 }, 8, Retry, exit + 10*time.Millisecond},
	} {
		t.Run(row.name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			properties["exit_timeout"] = exit.String()
			h := &memoryLogger{t: t}
			log := NewLog(h, "test")
			o, err := New(network.parse(t, properties), Env{Log: log})
			if err != nil {
				t.Fatal(err)
			}
			if r := deliver(t, o, events(0, 10, "hello")); r != OK {
				t.Fatalf("result %d", r)
			}
			row.prepare(t, e, o)
			var closed atomic.Bool
			type flush struct {
				c     *Chunk
				w     closedWaker
				chunk []byte
			}
			var flushes []flush
			for i := range row.chunks {
				f := flush{w: closedWaker{make(channelWaker, 1), t, &closed}, chunk: events(10+500*i, 500, "hello")}
				f.c = o.Submit("test.tag", f.chunk, f.w, false)
				f.c.Advance(f.chunk)
				flushes = append(flushes, f)
			}
			begin := time.Now()
			if !o.Close() {
				t.Error("something did not end")
			}
			took := time.Since(begin)
			closed.Store(true)
			if took > row.most {
				t.Errorf("Close took %v, at most %v is allowed", took, row.most)
			}
			for i, f := range flushes {
				if r := f.c.Advance(f.chunk); r != row.want {
					t.Errorf("chunk %d: result %d, want %d", i, r, row.want)
				}
			}
			late := o.Submit("test.tag", events(0, 1, "late"), channelWaker(nil), false)
			if r := late.Advance(nil); r != Retry {
				t.Errorf("result %d of a chunk after Close, want %d", r, Retry)
			}
			log.Drain()
			t.Logf("FIGURES Close took %v", took.Round(time.Millisecond))
			e.Close()
			time.Sleep(time.Second) // the client's goroutines end shortly after
			if left := outputGoroutines(); len(left) > 0 {
				t.Errorf("goroutines of the output are left:\n%s", strings.Join(left, "\n\n"))
			}
			if used, waiting := o.admission.load(); used != 0 || waiting != 0 {
				t.Errorf("%d bytes in flight, %d chunks waiting after Close", used, waiting)
			}
		}))
	}
}

// ofOutput matches the methods of the plugin and its client in a stack.
var ofOutput = regexp.MustCompile(`out_sls_kafka/plugin(/\w+)?\.\(|franz-go/pkg/kgo\.\(`)

// outputGoroutines are the stacks of an output's goroutines in the bubble of the caller.
func outputGoroutines() (found []string) {
	b := make([]byte, 8<<20)
	stacks := strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n")
	caller, _, _ := strings.Cut(stacks[0], "\n")
	bubble := caller[strings.LastIndex(caller, ", synctest bubble "):]
	for _, stack := range stacks[1:] {
		if header, _, _ := strings.Cut(stack, "\n"); strings.HasSuffix(header, bubble) && ofOutput.MatchString(stack) {
			found = append(found, stack)
		}
	}
	return found
}

// A panic costs no more than the chunk's place: it goes back to Fluent Bit.
func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		h := &memoryLogger{t: t}
		log := NewLog(h, "test")
		o, err := New(network.parse(t, properties), Env{Log: log})
		if err != nil {
			t.Fatal(err)
		}
		o.background(func() { panic("in the background") })
		submit := func(prepare func(*Chunk)) Result {
			w, chunk := make(channelWaker, 1), events(0, 10, "hello")
			c := o.Submit("test.tag", chunk, w, false)
			prepare(c)
			return await(c, w, chunk)
		}
		encoder := o.encoder
		o.encoder = nil
		if r := submit(func(*Chunk) {}); r != Retry {
			t.Errorf("result %d after a panic while encoding, want %d", r, Retry)
		}
		o.encoder = encoder
		if r := submit(func(*Chunk) {}); r != OK {
			t.Errorf("result %d afterwards, want %d", r, OK)
		}
		if !o.Close() {
			t.Error("the output did not end")
		}
		log.Drain()
		if n := h.count("internal error, please report it"); n != 2 {
			t.Errorf("%d lines about panics, want 2", n)
		}
		if n := h.count("did not end"); n != 0 {
			t.Error("a goroutine outlived the output")
		}
	})
}
