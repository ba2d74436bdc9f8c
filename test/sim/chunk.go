package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

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

// weekOld is the age of records that a cluster with CheckAge refuses.
const weekOld = 10 * 24 * time.Hour

var filler = strings.Repeat("abcdefghij klmnopqrst uvwxyz 0123456789 ", 60000)

// shape decides how many records of how many bytes the next chunk has.
func (s *Scenario) shape(in *Input, first bool, r *rand.Rand) (records, size int) {
	switch in.Load {
	case Trickle:
		return 1, 40
	case Steady:
		return 100, 100
	case Backlog:
		return min(in.Lines, cmp.Or(in.Records, 12000)), 20
	case Names:
		return 1000, 1
	case Longs:
		return 10, 10
	case Fixed:
		return in.Records, in.Size
	case Spread:
		return 1 + r.IntN(40), 20
	case Peak:
		if first {
			return 90, 9000
		}
		return 1, 5
	case Squeeze:
		if r.IntN(2) == 0 {
			return 1 + r.IntN(60), 3000
		}
		return 1 + r.IntN(3000), r.IntN(10)
	}
	records, size = mixedShape(r)
	room := 4 << 20
	if in.Load == Light {
		room = 128 << 10
	}
	if limit := s.bufferLimit() / 8; limit < room {
		room = limit
	}
	size = min(size, room/2)
	return max(1, min(records, room/(size+60))), size
}

func mixedShape(r *rand.Rand) (records, size int) {
	switch k := r.IntN(100); {
	case k < 30:
		return 1, 5
	case k < 70:
		return 1 + r.IntN(20), r.IntN(200)
	case k < 92:
		return 50 + r.IntN(400), 50 + r.IntN(500)
	case k < 97:
		return 1 + r.IntN(1500), 1000
	case k < 98:
		return 1 + r.IntN(3), 900_000
	}
	return 2000 + r.IntN(4000), 20
}

// bufferLimit is the option buffer_limit in bytes.
func (s *Scenario) bufferLimit() int {
	text := s.Properties()["buffer_limit"]
	n, err := strconv.Atoi(strings.TrimSuffix(text, "M"))
	if err != nil {
		return 32 << 20
	}
	return n << 20
}

// make makes a chunk of an input. poison says that one record is poisoned.
func (w *world) make(in *Input, records, size int, poison bool, r *rand.Rand) *chunk {
	topic := in.Logstore + ".json"
	c := &chunk{topic: topic, records: records, result: plugin.Pending, fresh: in.Shift == 0 && in.BadEvery == 0 && in.Poison == 0 && in.Load != Names && in.Load != Longs}
	poisoned := -1
	if poison {
		poisoned, c.poison = records/2, true
	}
	c.number = w.cluster.Give(simkafka.Given{
		Records: records,
		Topic:   func(int) string { return topic },
		Poison:  func(i int) bool { return i == poisoned },
	})
	now := time.Now()
	for i := range records {
		if in.Load == Spread {
			size = spreadSize(r)
		}
		at := now.Add(in.Shift)
		if in.BadEvery > 0 && i%in.BadEvery == in.BadEvery/2 {
			at = now.Add(-weekOld)
		}
		c.mark(i, i == poisoned || w.CheckAge && w.refusesAge(at) || w.refusesSize(size))
		c.data = w.event(c.data, in, c.number*1e6+i, at, size, r)
	}
	c.bytes = len(c.data)
	c.key = keyOf(c.tag(), c.data)
	return c
}

// spreadSize is a size from 20 bytes to 1.9 MB; most are small.
func spreadSize(r *rand.Rand) int {
	return int(20 * math.Pow(95_000, math.Pow(r.Float64(), 4)))
}

func (c *chunk) mark(i int, bad bool) {
	if !bad {
		return
	}
	if c.bad == nil {
		c.bad = make([]bool, c.records)
	}
	c.bad[i], c.anyBad = true, true
}

// refusesAge tells whether the cluster refuses a record of that time always: it is old, or so far ahead
// that waiting is not asked for.
func (w *world) refusesAge(at time.Time) bool {
	age := time.Since(at)
	return age > maxAge+w.Skew || age < -time.Hour
}

// refusesSize tells whether the cluster may refuse a record of that size for itself.
func (w *world) refusesSize(size int) bool {
	for _, f := range w.Faults {
		if f.Kind == simkafka.TooLarge && size+300 > f.Size {
			return true
		}
	}
	return w.MaxBatch > 0 && size+300 > w.MaxBatch
}

func (w *world) event(b []byte, in *Input, id int, at time.Time, size int, r *rand.Rand) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	b = msgp.AppendUint32(b, uint32(at.Unix()))
	b = msgp.AppendMapHeader(b, 4)
	b = msgp.AppendString(b, "id")
	b = msgp.AppendInt(b, id)
	b = msgp.AppendString(b, "k")
	b = msgp.AppendString(b, strconv.Itoa(id%50))
	b = msgp.AppendString(b, "ns")
	switch in.Load {
	case Names:
		b = msgp.AppendString(b, "n"+strconv.Itoa(id))
	case Longs:
		b = msgp.AppendString(b, "n"+strconv.Itoa(id)+filler[:100_000])
	default:
		b = msgp.AppendString(b, in.Logstore)
	}
	b = msgp.AppendString(b, "log")
	from := r.IntN(len(filler) - size)
	return msgp.AppendString(b, filler[from:from+size])
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

// input gives the chunks of one input until the scenario's end.
func (w *world) input(n int) {
	in := &w.Inputs[n]
	if !w.sleep(in.From) {
		return
	}
	end := w.Duration
	if in.Until > 0 {
		end = in.Until
	}
	if in.Workers > 0 {
		w.closedLoop(in, n, end)
		return
	}
	r := rand.New(rand.NewPCG(w.Seed, uint64(n)))
	g := &gate{limit: w.bufferLimit() / (4 * len(w.Inputs))}
	if in.Load == Squeeze || in.Load == Backlog {
		g.limit = 1 << 40
	}
	poison := in.Poison > 0
	for sent, first := 0, true; ; first = false {
		if in.Load == Backlog && sent >= in.Lines {
			return
		}
		pause := time.Duration(r.ExpFloat64() * float64(in.Pause)).Round(time.Millisecond) // so that things meet
		records, size := w.shape(in, first, r)
		if !w.sleep(pause) || w.now() >= end {
			return
		}
		if w.paused() {
			continue
		}
		now := poison && w.now() > in.Poison
		poison = poison && !now
		c := w.make(in, records, size, now, r)
		sent += records
		if !g.enter(c) {
			w.skip(c)
			continue
		}
		w.flushes.Go(func() {
			defer g.leave(c)
			w.flush(c)
		})
	}
}

// closedLoop gives a chunk when the one before is done, in each of some goroutines.
func (w *world) closedLoop(in *Input, n int, end time.Duration) {
	for k := range in.Workers {
		w.flushes.Go(func() {
			r := rand.New(rand.NewPCG(w.Seed, uint64(n)<<32|uint64(k)))
			for w.sleep(time.Duration(r.Int64N(int64(in.Pause)+1))) && w.now() < end {
				records, size := w.shape(in, false, r)
				if w.paused() {
					continue
				}
				w.flush(w.make(in, records, size, false, r))
			}
		})
	}
}

// gate is what mem_buf_limit is for an input: no logstore in trouble may fill the
// output's buffer by its size alone.
type gate struct {
	limit int

	mu    sync.Mutex
	open  int
	bytes int
}

func (g *gate) enter(c *chunk) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit < 1<<40 && g.open > 60 || g.open > 0 && g.bytes+c.bytes > g.limit {
		return false
	}
	g.open++
	g.bytes += c.bytes
	return true
}

func (g *gate) leave(c *chunk) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	g.bytes -= c.bytes
}
