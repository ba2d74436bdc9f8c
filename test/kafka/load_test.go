//go:build kafka

package kafka

import (
	"sync"
	"testing"
	"time"

	"out_sls_kafka/plugin"
)

const (
	// The steady load: a chunk of perChunk events every interval, 2,000 events
	// a second. The tests of restarts run two such loads.
	perChunk = 100
	interval = 50 * time.Millisecond
	// inFlight is how many chunks a load that goes as fast as it can has under way.
	inFlight = 8
	// eventLimit is how long a test waits for what must happen.
	eventLimit = 2 * time.Minute
)

// watched is a state that changes while a test waits for it.
type watched struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change
}

func (w *watched) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// until waits for the state to be as wanted.
func (w *watched) until(t *testing.T, what string, wanted func() bool) {
	t.Helper()
	timeout := time.After(eventLimit)
	for {
		w.mu.Lock()
		ok := wanted()
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("waited %v in vain for: %s", eventLimit, what)
		}
	}
}

// load gives an output chunks of events numbered from 0, as Fluent Bit does: a
// flush for each chunk, which waits for its result.
type load struct {
	t       *testing.T
	out     *plugin.Output
	extra   func(seq int) int // size of an event beyond the usual
	started time.Time
	ended   time.Time // when the last chunk had its result

	quit, quitted chan struct{}
	flushes       sync.WaitGroup

	watched
	chunks  []chunk // in the order in which they came
	results map[plugin.Result]int
}

// chunk is what is known of one flush.
type chunk struct{ given, done time.Time }

func newLoad(t *testing.T, out *plugin.Output, extra func(seq int) int) *load {
	return &load{t: t, out: out, extra: extra, started: time.Now(), results: make(map[plugin.Result]int),
		quit: make(chan struct{}), quitted: make(chan struct{})}
}

// usual is the extra size of a load whose events are all small.
func usual(int) int { return 0 }

// deliver gives the output a number of chunks, as fast as they are taken.
func deliver(t *testing.T, out *plugin.Output, chunks int, extra func(seq int) int) *load {
	t.Helper()
	l := newLoad(t, out, extra)
	room := make(chan struct{}, inFlight)
	for range chunks {
		room <- struct{}{}
		l.give(func() { <-room })
	}
	close(l.quitted)
	l.wait()
	return l
}

// startLoad begins a steady load, which lasts until stop.
func startLoad(t *testing.T, out *plugin.Output, extra func(seq int) int) *load {
	l := newLoad(t, out, extra)
	go func() {
		defer close(l.quitted)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				l.give(func() {})
			}
		}
	}()
	t.Cleanup(l.halt)
	return l
}

func (l *load) halt() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	<-l.quitted
}

// stop ends the load and waits for the result of every chunk.
func (l *load) stop() {
	l.t.Helper()
	l.halt()
	l.wait()
}

func (l *load) wait() {
	l.t.Helper()
	l.until(l.t, "the result of every chunk", func() bool { return l.waiting() == 0 })
	l.flushes.Wait()
	l.ended = time.Now()
	for result, n := range l.results {
		if result != plugin.OK {
			l.t.Errorf("%d of %d chunks ended with result %d, want all with %d", n, len(l.chunks), result, plugin.OK)
		}
	}
}

// sent is the number of events given so far.
func (l *load) sent() int { return len(l.chunks) * perChunk }

// waiting is the number of chunks without a result. l.mu is held.
func (l *load) waiting() int {
	n := len(l.chunks)
	for _, ended := range l.results {
		n -= ended
	}
	return n
}

// untilDone waits until n more chunks are done.
func (l *load) untilDone(n int) {
	l.t.Helper()
	var before int
	l.change(func() { before = l.results[plugin.OK] })
	l.until(l.t, "chunks being done", func() bool { return l.results[plugin.OK] >= before+n })
}

// untilWaiting waits until n chunks wait for their result.
func (l *load) untilWaiting(n int) {
	l.t.Helper()
	l.until(l.t, "chunks piling up", func() bool { return l.waiting() >= n })
}

// give begins the flush of the next chunk; then is called when it has ended.
func (l *load) give(then func()) {
	i := len(l.chunks) // only this goroutine appends
	var data []byte
	for seq := i * perChunk; seq < (i+1)*perChunk; seq++ {
		data = appendEvent(data, seq, l.extra(seq))
	}
	l.change(func() { l.chunks = append(l.chunks, chunk{given: time.Now()}) })
	l.flushes.Go(func() {
		result := flush(l.out, data)
		l.change(func() {
			l.chunks[i].done = time.Now()
			l.results[result]++
		})
		then()
	})
}

// flush gives the chunk to the output and waits for its result.
func flush(out *plugin.Output, data []byte) plugin.Result {
	w := make(waker, 1)
	c := out.Submit("kafka.test", data, w, false)
	for {
		if r := c.Advance(data); r != plugin.Pending {
			return r
		}
		<-w
	}
}

// waker wakes a flush that is a goroutine.
type waker chan struct{}

// Wake implements [plugin.Waker].
func (w waker) Wake(plugin.Result) {
	select {
	case w <- struct{}{}:
	default:
	}
}
