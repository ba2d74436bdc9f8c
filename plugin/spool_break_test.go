package plugin

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

// sourceWaker is the waker of a flush that Close may read, which ends with its first
// result: wakes after that are of nobody, as with a flush of Fluent Bit's.
type sourceWaker struct {
	data []byte
	more chan struct{} // has room for one

	mu     sync.Mutex
	result Result
}

func newSourceWaker(data []byte) *sourceWaker {
	return &sourceWaker{data: data, more: make(chan struct{}, 1), result: Pending}
}

func (w *sourceWaker) Data() []byte { return w.data }

func (w *sourceWaker) Wake(r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.result == Pending {
		w.result = r
	}
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *sourceWaker) got() Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.result
}

// serve advances a chunk after each wake until the flush has its result.
func (w *sourceWaker) serve(c *Chunk) {
	for range w.more {
		if w.got() != Pending {
			return
		}
		if r := c.Advance(w.data); r != Pending {
			w.Wake(r)
			return
		}
	}
}

// Chunks whose blocking flush was over cannot be copied. They stop neither the others from
// being stored, nor the end, and cost no CPU.
func TestDetachedChunksAreNoneOfTheSpools(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, _, o, _, f := network.startSpooling(t)
		e.DelayAcks(24 * time.Hour)
		for i := range 40 {
			chunk := events(i, 1, "detached")
			c := o.Submit("tag", chunk, make(channelWaker, 1), false)
			if r := c.Advance(chunk); r != Pending {
				t.Fatalf("result %d", r)
			}
			c.Detach(chunk)
		}
		for i := range 40 {
			f.give("any", events(40+i, 1, "x"))
		}
		time.Sleep(10 * time.Second)
		if _, _, waiting := f.longest("any"); waiting > 16 {
			t.Errorf("%d chunks are held", waiting)
		}
		e.DelayAcks(0)
		f.wg.Wait()
	})
}

// A chunk that the spooler stores while Close begins is stored once.
func TestCloseWhileARoundIsStored(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, disk, o, h, _ := network.startSpooling(t, "exit_timeout", "20s")
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		slow := make(chan struct{})
		disk.FailWith(func(op, _ string) error {
			if op == "sync" {
				select {
				case slow <- struct{}{}:
					time.Sleep(5 * time.Second)
				default:
				}
			}
			return nil
		})
		var all []*sourceWaker
		for i := range 40 {
			w := newSourceWaker(events(i, 1, "x"))
			c := o.Submit("tag", w.data, w, false)
			c.Advance(w.data)
			go w.serve(c)
			all = append(all, w)
		}
		<-slow
		o.Close()
		for i, w := range all {
			if w.got() != OK {
				t.Errorf("chunk %d has result %d", i, w.got())
			}
			w.Wake(Retry) // ends serve
		}
		if n := h.count("internal error"); n > 0 {
			t.Errorf("%d internal errors", n)
		}
		disk.FailWith(nil)
		s, _, err := spool.Open(disk, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if st := s.Stats(); st.Chunks != 40 {
			t.Errorf("%d chunks are in the spool, want 40", st.Chunks)
		}
	})
}

// A chunk that gets its room in the moment in which it moves to the spool goes on.
func TestRoomAsAChunkMoves(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, disk, o, _, _ := network.startSpooling(t, "buffer_limit", "1M")
		e.DelayAcks(time.Hour)
		w := newSourceWaker(events(0, 4000, strings.Repeat("x", 1000))) // takes its room piece by piece
		c := o.Submit("tag", w.data, w, false)
		if r := c.Advance(w.data); r != Pending || !c.isWaiting() {
			t.Fatalf("result %d", r)
		}
		var b spool.Batch
		b.Add("tag", c.submitted, w.data)
		entries, err := o.spooler.disk.Load().Append(&b)
		if err != nil {
			t.Fatal(err)
		}
		e.DelayAcks(0)
		<-w.more // it has room, and its loop does not come to it any more
		if !c.moveToSpool(entries[0], o.spooler.unspool) || w.got() != OK {
			t.Fatalf("result %d", w.got())
		}
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
		allLanded(t, e, 4000)
	})
}

// A chunk that does not fit into the spool holds up none that does.
func TestLargeChunkAndASmallSpool(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, _, o, h, f := network.startSpooling(t, "spool_limit", "16M", "max_held_chunks", "1")
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		f.give("large", events(100, 17<<10, strings.Repeat("x", 1<<10)))
		time.Sleep(time.Millisecond)
		for i := range 40 {
			f.give("small", events(1+i, 1, "x"))
		}
		time.Sleep(10 * time.Second)
		if _, _, waiting := f.longest("small"); waiting > 1 {
			t.Errorf("%d small chunks are held", waiting)
		}
		if h.count("the spool is full") == 0 {
			t.Error("no line says that one did not fit")
		}
		if n := o.spooler.written.Load(); n < 39 {
			t.Errorf("%d chunks were stored", n)
		}
		e.ClearFault(sls.ConnectionCut)
		f.wg.Wait()
	})
}

// A disk that hangs in a read holds up what is in the spool, and nothing else.
func TestReadThatHangs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, disk, _, _, f := network.startSpooling(t, "buffer_limit", "1M")
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		for i := range 100 {
			f.give("old", events(100*i, 100, strings.Repeat("x", 1000)))
		}
		time.Sleep(5 * time.Second)
		disk.FailWith(func(op, _ string) error {
			if op == "read" {
				time.Sleep(10 * time.Minute)
			}
			return nil
		})
		e.ClearFault(sls.ConnectionCut)
		time.Sleep(time.Minute)
		for i := range 10 {
			f.give("fresh", events(10_000+i, 1, "x"))
			time.Sleep(time.Second)
		}
		if n := e.Count("demo"); n == 0 || n > 9000 {
			t.Fatalf("%d records have landed", n)
		}
		if longest, done, _ := f.longest("fresh"); done < 10 || longest > time.Second {
			t.Errorf("%d of 10 fresh chunks are done, the longest took %v", done, longest)
		}
		seen := 0
		for _, l := range e.Logs("demo") {
			if strings.HasPrefix(string(l.Value), `{"seq":1000`) {
				seen++
			}
		}
		if seen < 10 {
			t.Errorf("%d of 10 fresh records have landed", seen)
		}
		disk.FailWith(nil)
		time.Sleep(10 * time.Minute)
		f.wg.Wait()
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) })
		allLanded(t, e, 10_010)
	})
}

// So does one that hangs while room is made in the spool.
func TestCompactionThatHangs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, disk, _, _, f := network.startSpooling(t, "buffer_limit", "1M", "spool_limit", "16M", "max_held_chunks", "0")
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		const old = 130
		for i := range old {
			f.give("old", events(100*i, 100, strings.Repeat("x", 1000)))
		}
		f.wg.Wait()
		var hangs atomic.Bool
		disk.FailWith(func(op, _ string) error {
			if op == "sync" { // nothing else is stored
				hangs.Store(true)
				time.Sleep(10 * time.Minute)
			}
			return nil
		})
		setFault(t, e, sls.Fault{Name: sls.AckDelay, Delay: 1700 * time.Millisecond})
		e.ClearFault(sls.ConnectionCut)
		for begin := time.Now(); !hangs.Load(); time.Sleep(100 * time.Millisecond) {
			if time.Since(begin) > 2*time.Minute {
				t.Fatal("no room was made in the spool")
			}
		}
		e.ClearFault(sls.AckDelay)
		time.Sleep(10 * time.Second)
		for i := range 10 {
			f.give("fresh", events(100*old+i, 1, "x"))
			time.Sleep(time.Second)
		}
		if longest, done, _ := f.longest("fresh"); done < 10 || longest > time.Second {
			t.Errorf("%d of 10 fresh chunks are done, the longest took %v", done, longest)
		}
		disk.FailWith(nil)
		time.Sleep(10 * time.Minute)
		f.wg.Wait()
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) })
		allLanded(t, e, 100*old+10)
	})
}

// What is left in Exit is stored also when exit_timeout, which began with the signal, is
// over.
func TestExitTimeoutIsOver(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		disk, ending := simdisk.New(), new(Ending)
		o, _, _ := network.spooling(t, storeProperties(properties, "logstore_key", "", "exit_timeout", "1s"), disk, Env{Ending: ending})
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		var all []*sourceWaker
		for i := range 16 { // they may be held
			w := newSourceWaker(events(i*3000, 3000, strings.Repeat("x", 1000)))
			o.Submit("tag", w.data, w, false).Advance(w.data)
			all = append(all, w)
		}
		time.Sleep(10 * time.Second)
		ending.begin()
		time.Sleep(1500 * time.Millisecond) // Grace
		begin := time.Now()
		o.Close()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Close took %v", took)
		}
		for i, w := range all {
			if w.got() != OK {
				t.Errorf("chunk %d has result %d", i, w.got())
			}
		}
	})
}

// Chunks of a logstore that is well stand behind a window of others that are not, and
// nothing fresh arrives: they are delivered all the same.
func TestNothingFreshIsNeeded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}})
		disk := simdisk.New()
		o, _, f := network.spooling(t, storeProperties(properties, "max_held_chunks", "0"), disk, Env{})
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		for range 16 * windowChunks {
			f.give("bad", routedEvents(1, "x", func(int) string { return "missing" }))
		}
		time.Sleep(5 * time.Second)
		for range 100 {
			f.give("good", routedEvents(1, "x", func(int) string { return "good" }))
		}
		time.Sleep(30 * time.Second)
		f.wg.Wait()
		o.Close()
		e.ClearFault(sls.ConnectionCut)
		network.spooling(t, storeProperties(properties), disk, Env{})
		time.Sleep(2 * time.Minute)
		if n := e.Count("good"); n != 100 {
			t.Errorf("%d records landed of 100", n)
		}
		if err := e.CreateLogstore("missing"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if n := e.Count("missing"); n != 16*windowChunks {
			t.Errorf("%d records landed of %d", n, 16*windowChunks)
		}
	})
}

// A chunk that is half encoded when the disk cannot be read goes on there, and lands once.
func TestReadFailsInTheMiddle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, disk, o, _, f := network.startSpooling(t, "buffer_limit", "1M", "max_held_chunks", "0")
		e.DelayAcks(5 * time.Second)
		f.give("large", events(0, 4000, strings.Repeat("x", 1000)))
		f.wg.Wait() // it is in the spool, some pieces are on the wire
		disk.FailWith(func(op, _ string) error {
			if op == "read" {
				return fmt.Errorf("it burns")
			}
			return nil
		})
		time.Sleep(20 * time.Second)
		disk.FailWith(nil)
		e.DelayAcks(0)
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
		allLanded(t, e, 4000)
		if n := e.Count("demo"); n != 4000 {
			t.Errorf("%d records landed of 4000: some twice", n)
		}
	})
}

// A chunk of the spool has its place in a line by the time that others find it: Close, which
// ends all, would end one without a place.
func TestBegunAsAllEnd(t *testing.T) {
	t.Parallel()
	cfg := testNetwork{}.parse(t, with("healthcheck", "off", "exit_timeout", "0s"))
	o, _ := startIn(t, cfg, Env{Spool: simdisk.New()})
	var b spool.Batch
	b.Add("tag", time.Now(), events(0, 1, "x"))
	entries, err := o.spooler.disk.Load().Append(&b)
	if err != nil {
		t.Fatal(err)
	}
	o.admission.mu.Lock()
	var begun sync.WaitGroup
	begun.Go(func() { o.spooler.unspool.submit("tag", events(0, 1, "x"), entries[0]) })
	for o.mu.TryLock() { // until submit has it, and waits for the line
		found := len(o.moved)
		o.mu.Unlock()
		if found > 0 {
			t.Error("a chunk is found that has no place yet")
			break
		}
		time.Sleep(time.Microsecond)
	}
	o.admission.mu.Unlock()
	begun.Wait()
}

// While a logstore is missing for days, its few chunks do not keep the room that an outage took:
// the next one finds it free.
func TestSpoolHasRoomForTheNextOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}})
		disk := simdisk.New()
		o, h, f := network.spooling(t, storeProperties(properties, "spool_limit", "64M"), disk, Env{})
		given := 0
		for range 4 {
			setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
			for range 20 {
				for range 38 {
					f.give("good", routedEvents(50, strings.Repeat("x", 1000), func(int) string { return "good" }))
				}
				for range 2 {
					f.give("bad", routedEvents(50, strings.Repeat("x", 1000), func(int) string { return "missing" }))
				}
				time.Sleep(time.Second)
			}
			given += 20 * 38 * 50
			e.ClearFault(sls.ConnectionCut)
			time.Sleep(3 * time.Minute)
			if n := e.Count("good"); n != given {
				t.Fatalf("%d records landed of %d", n, given)
			}
			if s := o.snapshot(time.Now()).spool; s.bytes > 40<<20 {
				t.Errorf("%d chunks take %d bytes of the spool", s.chunks, s.bytes)
			}
		}
		if n := h.count("the spool is full"); n > 0 {
			t.Errorf("%d lines say that the spool is full", n)
		}
		if err := e.CreateLogstore("missing"); err != nil {
			t.Fatal(err)
		}
		f.wg.Wait()
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
		if n := e.Count("missing"); n != 4*20*2*50 {
			t.Errorf("%d records landed", n)
		}
	})
}

// A disk that hangs when the output starts, as one does that the instance before could not
// sync, does not hold up the start, which is Fluent Bit's; nor the end; and whoever comes
// next finds the directory free.
func TestStartOnADiskThatHangs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		disk := simdisk.New()
		disk.Put("0000000000000001.spool", []byte("slsspool"))
		hangs := time.Hour
		disk.FailWith(func(op, _ string) error {
			if op == "open" {
				time.Sleep(hangs)
			}
			return nil
		})
		cfg := network.parse(t, storeProperties(properties, "logstore_key", ""))
		begin := time.Now()
		log := NewLog(&memoryLogger{t: t}, "test")
		o, err := New(cfg, Env{Log: log, Spool: disk})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("the start took %v", took)
		}
		begin = time.Now()
		o.Close()
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("the end took %v", took)
		}
		log.Drain()
		time.Sleep(2 * hangs)
		disk.FailWith(nil)
		s, _, err := spool.Open(disk, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	})
}

// A spool that could not be opened at the start is used once it is.
func TestStartOnADiskThatIsSlow(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		disk := simdisk.New()
		disk.Put("0000000000000001.spool", []byte("slsspool"))
		disk.FailWith(func(op, _ string) error {
			if op == "open" {
				time.Sleep(time.Minute)
			}
			return nil
		})
		_, h, f := network.spooling(t, storeProperties(properties, "logstore_key", ""), disk, Env{})
		h.wait("is slow")
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		time.Sleep(time.Minute)
		for i := range 40 {
			f.give("any", events(i, 1, "x"))
		}
		time.Sleep(10 * time.Second)
		if _, _, waiting := f.longest("any"); waiting > 16 {
			t.Errorf("%d chunks are held", waiting)
		}
		e.ClearFault(sls.ConnectionCut)
		f.wg.Wait()
		allLanded(t, e, 40)
	})
}

// While 10,000 chunks are delivered from the spool, fresh ones are delivered too, within
// seconds; and the spool gets empty while they come.
func TestFreshAndOld(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, disk, o, _, f := network.startSpooling(t, "buffer_limit", "4M")
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		for i := range 10_000 {
			f.give("old", events(10*i, 10, strings.Repeat("x", 500)))
			if i%200 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(10 * time.Second)
		e.DelayAcks(500 * time.Millisecond)
		e.ClearFault(sls.ConnectionCut)
		eventually(t, "it is delivered", func() bool { return e.Count("demo") > 0 })
		begin, given := time.Now(), 0
		for !isEmpty(disk) && given < 1000 {
			f.give("fresh", events(100_000+given, 1, "x"))
			given++
			time.Sleep(100 * time.Millisecond)
		}
		empty := time.Since(begin)
		f.wg.Wait()
		longest, _, _ := f.longest("fresh")
		t.Logf("%d fresh chunks in %v, the longest took %v; %d written", given, empty, longest, o.spooler.written.Load())
		if longest > 5*time.Second || given >= 1000 || given < 10 {
			t.Errorf("%d fresh chunks in %v, the longest took %v", given, empty, longest)
		}
	})
}

// A reload that was given up, for a fault of its configuration, leaves an output as it was:
// while the service is well, nothing is written.
func TestLeavingNoMore(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		e.DelayAcks(1500 * time.Millisecond)
		disk := simdisk.New()
		var leaves atomic.Bool
		leaves.Store(true)
		_, _, f := network.spooling(t, storeProperties(properties, "logstore_key", ""), disk, Env{Leaving: leaves.Load})
		time.Sleep(2 * time.Second)
		leaves.Store(false)
		time.Sleep(2 * time.Second)
		for i := range 100 {
			f.give("any", events(i, 1, "x"))
			time.Sleep(100 * time.Millisecond)
		}
		f.wg.Wait()
		if n, _ := disk.Written(); n > 0 {
			t.Errorf("%d bytes were written", n)
		}
	})
}

// While a logstore is missing for days, the chunks of it that are in the spool are not read
// again and again: what is behind them was seen.
func TestSpoolIsNotReadForDays(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}})
		disk := simdisk.New()
		o, _, f := network.spooling(t, storeProperties(properties, "buffer_limit", "1M"), disk, Env{})
		for range 3 * windowChunks {
			f.give("bad", routedEvents(1, "x", func(int) string { return "missing" }))
		}
		for range 120 {
			f.give("good", routedEvents(1, "x", func(int) string { return "good" }))
			time.Sleep(time.Second)
		}
		var reads atomic.Int64
		disk.FailWith(func(op, _ string) error {
			if op == "read" {
				reads.Add(1)
			}
			return nil
		})
		for range 600 {
			f.give("good", routedEvents(1, "x", func(int) string { return "good" }))
			time.Sleep(time.Second)
		}
		if n := reads.Load(); n > 2*3*windowChunks*600/20 {
			t.Errorf("%d reads in 10 minutes", n)
		}
		if err := e.CreateLogstore("missing"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
	})
}
