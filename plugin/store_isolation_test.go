package plugin

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/sls"
)

// routedEvents is a chunk of n events {"ns": logstore, "log": text}.
func routedEvents(n int, text string, logstore func(i int) string) (b []byte) {
	for i := range n {
		b = append(b, 0x92, 0x92, 0xd7, 0x00, 0x4b, 0x3d, 0x3b, 0x00, 0, 0, 0, 0, 0x80)
		b = msgp.AppendMapHeader(b, 2)
		b = msgp.AppendString(b, "ns")
		b = msgp.AppendString(b, logstore(i))
		b = msgp.AppendString(b, "log")
		b = msgp.AppendString(b, text)
	}
	return b
}

// flushes are chunks given once a second, as a Flush of 1 does, and how long each took.
type flushes struct {
	t  *testing.T
	o  *Output
	wg sync.WaitGroup

	mu    sync.Mutex
	took  map[string][]time.Duration // by name
	open  map[string]int
	ended map[Result]int
}

func newFlushes(t *testing.T, o *Output) *flushes {
	return &flushes{t: t, o: o, took: make(map[string][]time.Duration), open: make(map[string]int), ended: make(map[Result]int)}
}

// give gives a chunk, and waits for its result in the background.
func (f *flushes) give(name string, chunk []byte) {
	f.mu.Lock()
	f.open[name]++
	f.mu.Unlock()
	begin := time.Now()
	w := make(channelWaker, 1)
	c := f.o.Submit("tag."+name, chunk, w, false)
	f.wg.Go(func() {
		r := c.Advance(chunk)
		for ; r == Pending; r = c.Advance(chunk) {
			<-w
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open[name]--
		f.ended[r]++
		f.took[name] = append(f.took[name], time.Since(begin))
	})
}

// longest is the longest time that a chunk of a name took; waiting is how many have no
// result.
func (f *flushes) longest(name string) (longest time.Duration, done, waiting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.took[name] {
		longest = max(longest, d)
	}
	return longest, len(f.took[name]), f.open[name]
}

// names are n names of logstores.
func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%02d", prefix, i))
	}
	return all
}

func storeProperties(properties map[string]string, more ...string) map[string]string {
	properties["logstore_key"], properties["retry_backoff"], properties["retry_backoff_max"] = "ns", "1s", "30s"
	for i := 0; i < len(more); i += 2 {
		properties[more[i]] = more[i+1]
	}
	return properties
}

// startStores starts an endpoint, and an output with logstore_key and more properties
// that has reached it, and is given chunks.
func (n testNetwork) startStores(t *testing.T, options sls.Options, more ...string) (*sls.Endpoint, *Output, *memoryLogger, *flushes) {
	t.Helper()
	e, properties := n.startEndpoint(t, options)
	o, h := n.startOutput(t, storeProperties(properties, more...))
	h.wait("reachable")
	return e, o, h, newFlushes(t, o)
}

// Logstores that do not exist, or refuse the AccessKey, hold up no other for minutes:
// their 2,000 lines a second stay in their part of buffer_limit, and the others' 10 arrive
// at once. What is logged, and what the metrics say, is so all the while; when the
// logstores are well, everything arrives.
func TestTroubleStaysInItsLogstores(t *testing.T) {
	for _, row := range []struct {
		name            string
		troubled, total int
		refused         bool
	}{{"one missing", 1, 2, false}, {"one refused", 1, 2, true}, {"twenty missing of forty", 20, 40, false}} {
		t.Run(row.name, bubbled(func(t *testing.T, network testNetwork) {
			bad, good := names("bad", row.troubled), names("good", row.total-row.troubled)
			exist := append([]string{"demo"}, good...)
			if row.refused {
				exist = append(exist, bad...)
			}
			e, properties := network.startEndpoint(t, sls.Options{Logstores: exist, DiscardLogs: true})
			if row.refused {
				if err := e.SetFault(sls.Fault{Name: kerr.TopicAuthorizationFailed.Message, Logstore: bad[0]}); err != nil {
					t.Fatal(err)
				}
			}
			o, h := network.startOutput(t, storeProperties(properties))
			h.wait("reachable")
			f := newFlushes(t, o)
			line := strings.Repeat("x", 200)
			lost := 0
			const seconds = 200
			for range seconds {
				for _, name := range bad {
					n := 2000 / row.troubled
					f.give("bad", routedEvents(n, line, func(int) string { return name }))
					lost += n
				}
				for _, name := range good {
					f.give("good", routedEvents(10, line, func(int) string { return name }))
				}
				time.Sleep(time.Second)
			}
			longest, done, waiting := f.longest("good")
			if longest > time.Second || done != seconds*len(good) || waiting != 0 {
				t.Errorf("others: %d flushes of %d done, %d wait, the longest took %v", done, seconds*len(good), waiting, longest)
			}
			if _, done, _ := f.longest("bad"); done != 0 {
				t.Errorf("%d flushes of the logstores in trouble are done", done)
			}
			s := o.snapshot(time.Now())
			if s.troubled != row.troubled || !s.up || s.bytes > s.limit/2+1<<20 {
				t.Errorf("%d logstores in trouble, up %v, %d of %d bytes used; want %d, true, half at most", s.troubled, s.up, s.bytes, s.limit, row.troubled)
			}
			if n := h.count("works again"); n != 0 {
				t.Errorf("%d lines say that it works again: %s", n, h.text())
			}
			for _, name := range bad {
				if n := h.count(name); n < 3 || n > 5 {
					t.Errorf("%d lines about %s in 200 seconds", n, name)
				}
			}
			for _, name := range bad {
				if row.refused {
					e.ClearFault(kerr.TopicAuthorizationFailed.Message)
				} else if err := e.CreateLogstore(name); err != nil {
					t.Fatal(err)
				}
			}
			f.wg.Wait()
			time.Sleep(2 * recoveryWindow)
			if s := o.snapshot(time.Now()); s.troubled != 0 || !s.up || s.bytes != 0 {
				t.Errorf("at the end %d logstores are in trouble, up %v, %d bytes used", s.troubled, s.up, s.bytes)
			}
			n := 0
			for _, name := range bad {
				n += e.Count(name)
				if h.count("logstore "+name+": delivery works again after ") != 1 {
					t.Errorf("%s: want one line that it works again: %s", name, h.text())
				}
			}
			if n != lost {
				t.Errorf("%d records of %d arrived in the end", n, lost)
			}
		}))
	}
}

// unknown_logstore sends the records of a missing logstore to the other one, or rejects
// them, after unknown_logstore_after; once it exists they go there.
func TestUnknownLogstore(t *testing.T) {
	for _, policy := range []string{"default", "reject"} {
		t.Run(policy, bubbled(func(t *testing.T, network testNetwork) {
			letters := t.TempDir() + "/letters"
			e, o, h, f := network.startStores(t, sls.Options{Logstores: []string{"demo", "good"}, DiscardLogs: true}, "unknown_logstore", policy, "unknown_logstore_after", "30s", "dead_letter_file", letters)
			second := func() {
				f.give("mixed", routedEvents(20, "x", func(i int) string { return []string{"good", "missing"}[i%2] }))
				time.Sleep(time.Second)
			}
			for range 25 {
				second()
			}
			if _, done, _ := f.longest("mixed"); done != 0 || e.Count("good") != 250 || e.Count("demo") != 0 {
				t.Errorf("before the time is over %d flushes are done, %d records in good, %d in demo", done, e.Count("good"), e.Count("demo"))
			}
			for range 35 {
				second()
			}
			elsewhere := e.Count("demo")
			if policy == "reject" {
				elsewhere = int(o.stats.rejected[unknownLogstore].Load())
			}
			if _, done, _ := f.longest("mixed"); done < 59 || elsewhere < 590 || e.Count("good") != 600 {
				t.Errorf("after it %d flushes are done, %d records in good, %d elsewhere", done, e.Count("good"), elsewhere)
			}
			if s := o.snapshot(time.Now()); s.troubled != 1 {
				t.Errorf("%d logstores in trouble, want 1", s.troubled)
			}
			if err := e.CreateLogstore("missing"); err != nil {
				t.Fatal(err)
			}
			for range 60 { // it is asked about each half minute
				second()
			}
			f.wg.Wait()
			if n := e.Count("missing"); n < 250 || n+e.Count("demo")+int(o.stats.rejected.Load()) != 1200 {
				t.Errorf("%d records in the new logstore, %d in demo, %d rejected", n, e.Count("demo"), o.stats.rejected.Load())
			}
			if h.count("logstore missing exists now") != 1 || h.count("logstore missing does not exist: its records") != 1 || h.count("missing: delivery works again") != 1 {
				t.Error(h.text())
			}
			if f.ended[OK] != 120 {
				t.Errorf("results %v", f.ended)
			}
		}))
	}
}

// nameRounds is how many thousand logstores TestNamesByTheThousand names.
var nameRounds = flag.Int("names", 4, "how many thousand logstores are named")

// Values of logstore_key that name thousands of logstores, or are none, or are large, take no more memory than buffer_limit allows, and hold up no other logstore.
func TestNamesByTheThousand(t *testing.T) {
	for _, policy := range []string{"wait", "default", "reject"} {
		t.Run(policy, bubbled(func(t *testing.T, network testNetwork) {
			_, o, h, f := network.startStores(t, sls.Options{Logstores: []string{"demo", "good"}, DiscardLogs: true}, "unknown_logstore", policy, "buffer_limit", "8M", "dead_letter_file", t.TempDir()+"/letters")
			huge := strings.Repeat("Huge ", 200_000)
			peak := int64(0)
			for s := range *nameRounds {
				f.give("names", routedEvents(1000, "x", func(i int) string { return fmt.Sprintf("name-%d", s*1000+i) }))
				f.give("invalid", routedEvents(1000, "x", func(i int) string { return fmt.Sprintf("No Name %d", s*1000+i) }))
				if s%10 == 0 {
					f.give("huge", routedEvents(1, "x", func(int) string { return fmt.Sprint(huge, s) }))
				}
				f.give("good", routedEvents(10, "x", func(int) string { return "good" }))
				time.Sleep(time.Second)
				r := o.Retained()
				peak = max(peak, r.Bytes+r.Kept)
			}
			for _, name := range []string{"good", "invalid", "huge"} {
				if longest, _, waiting := f.longest(name); longest > time.Second || waiting != 0 {
					t.Errorf("%s: the longest took %v, %d wait", name, longest, waiting)
				}
			}
			if peak > 8<<20+4<<20 {
				t.Errorf("%d bytes held", peak)
			}
			if n, _ := o.logstores.names(); n > maxUnknownNames+maxDivertedNames+2000 {
				t.Errorf("%d names are remembered", n)
			}
			time.Sleep(5 * time.Minute)
			_, done, waiting := f.longest("names")
			if policy != "wait" && waiting != 0 {
				t.Errorf("%d flushes of unknown names are done, %d wait", done, waiting)
			}
			if policy == "wait" && h.count("names that SLS does not know") == 0 {
				t.Error("nothing says that names wait")
			}
			if n := h.count(""); n > 50*(6+*nameRounds/60) {
				t.Errorf("%d lines", n)
			}
			o.stop()
			f.wg.Wait()
		}))
	}
}

// A logstore that is unused and does not exist harms nobody: one line says so.
func TestUnusedDefaultLogstore(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"good"}, DiscardLogs: true})
		o, h := network.startOutput(t, storeProperties(properties))
		f := newFlushes(t, o)
		for range 300 {
			f.give("good", routedEvents(10, "x", func(int) string { return "good" }))
			time.Sleep(time.Second)
		}
		f.wg.Wait()
		if s := o.snapshot(time.Now()); !s.up || s.troubled != 0 {
			t.Errorf("up %v, %d logstores in trouble", s.up, s.troubled)
		}
		if n := h.count("demo"); n != 1 {
			t.Errorf("%d lines about the unused logstore: %s", n, h.text())
		}
		if f.ended[OK] != 300 {
			t.Errorf("results %v", f.ended)
		}
	})
}
