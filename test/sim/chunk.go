package sim

import (
	"time"

	"out_sls_kafka/plugin"
	"out_sls_kafka/test/simkafka"
)

// chunk is one chunk and what became of it. The world's lock guards what changes.
type chunk struct {
	number  int // the cluster's
	topic   string
	records int
	bytes   int
	data    []byte
	bad     []bool // the cluster may refuse the record for itself; nil: none
	anyBad  bool
	poison  bool // a record of it is poisoned
	fresh   bool // of an input whose records nothing is wrong with

	offered      time.Duration
	given        time.Duration // to the output of now
	key          entryKey      // in the spool
	again        int           // how often its records may land in addition to once: lives ended
	landed       bool          // whole, when it was looked for
	settled      time.Duration // 0: not yet
	result       plugin.Result
	waitsForMark time.Duration // it has landed and is in the spool since then; 0: it is not so
	soon         int           // records acknowledged by soonAfter after the offer
}

// waker is a waker for a goroutine, whose chunk [plugin.Output.Close] may read.
type waker struct {
	wakes chan struct{}
	data  []byte
}

// Wake implements [plugin.Waker].
func (w *waker) Wake(plugin.Result) {
	select {
	case w.wakes <- struct{}{}:
	default:
	}
}

// Data implements [plugin.Source].
func (w *waker) Data() []byte { return w.data }

// soonAfter is how long a record takes at most when nothing is wrong with its way.
const soonAfter = 5 * time.Second

// flush gives a chunk as a flush of Fluent Bit does, and waits for its result.
func (w *world) flush(c *chunk) {
	c.offered = w.now()
	w.mu.Lock()
	w.chunks = append(w.chunks, c)
	w.mu.Unlock()
	soon := time.AfterFunc(soonAfter, func() { w.countSoon(c) })
	for {
		l := w.awaitLife()
		if l == nil {
			return
		}
		r := w.offer(l, c)
		if w.settle(l, c, r) {
			break
		}
		if l == w.current() {
			return // nobody waits any more
		}
	}
	if c.settled-c.offered < soonAfter && w.missing(c) < 0 { // else it is in the spool
		soon.Stop()
		w.countSoon(c)
	}
	if c.result == plugin.OK {
		w.checkOK(c)
	}
	c.data = nil
}

// offer gives a chunk to an output. Pending: it has no result, nor will it get one.
func (w *world) offer(l *life, c *chunk) plugin.Result {
	w.mu.Lock()
	c.given = w.now()
	w.mu.Unlock()
	wake := &waker{make(chan struct{}, 1), c.data}
	submitted := l.out.Submit(c.tag(), c.data, wake, false)
	r := submitted.Advance(c.data)
	for r == plugin.Pending {
		select {
		case <-wake.wakes:
		case <-l.thrown:
			return plugin.Pending
		case <-w.gaveUp:
			return plugin.Pending
		}
		r = submitted.Advance(c.data)
	}
	return r
}

// settle notes the result of a chunk. It returns false if that does not count, or if
// another output is to get the chunk.
func (w *world) settle(l *life, c *chunk, r plugin.Result) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case l.gone || r == plugin.Pending:
		return false
	case r == plugin.Retry && w.running != l && !w.final:
		return false
	}
	c.result, c.settled = r, w.now()
	return true
}

func (c *chunk) tag() string { return "sim." + c.topic }

func (w *world) countSoon(c *chunk) {
	acked := 0
	w.cluster.Account(c.number, func(a *simkafka.Account) { acked = a.Acked })
	w.mu.Lock()
	defer w.mu.Unlock()
	c.soon = acked
}
