package plugin

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

// spooling starts an output with a spool on a disk in memory.
func (n testNetwork) spooling(t *testing.T, properties map[string]string, disk spool.Files, env Env) (*Output, *memoryLogger, *flushes) {
	t.Helper()
	cfg := n.parse(t, properties)
	if cfg.SpoolLimit == 0 {
		t.Fatal("spool_limit has no default")
	}
	env.Spool = disk
	o, h := startIn(t, cfg, env)
	h.wait("reachable")
	return o, h, newFlushes(t, o)
}

// startSpooling starts an endpoint, and an output of one logstore with a spool and more
// properties that has reached it.
func (n testNetwork) startSpooling(t *testing.T, more ...string) (*sls.Endpoint, *simdisk.Disk, *Output, *memoryLogger, *flushes) {
	t.Helper()
	e, properties := n.startEndpoint(t, sls.Options{})
	disk := simdisk.New()
	o, h, f := n.spooling(t, storeProperties(properties, append([]string{"logstore_key", ""}, more...)...), disk, Env{})
	return e, disk, o, h, f
}

// outages are ways for a service to be away, but for those that need real sockets.
var outages = []sls.Fault{
	{Name: sls.ConnectionCut},
	{Name: sls.AckDelay, Delay: 24 * time.Hour},
	{Name: kerr.KafkaStorageError.Message},
	{Name: kerr.TopicAuthorizationFailed.Message},
}

func setFault(t *testing.T, e *sls.Endpoint, f sls.Fault) {
	t.Helper()
	if err := e.SetFault(f); err != nil {
		t.Fatal(err)
	}
}

func isEmpty(disk *simdisk.Disk) bool {
	for _, name := range disk.Names() {
		if strings.HasSuffix(name, ".spool") {
			return false
		}
	}
	return true
}

// allLanded checks that each of the events has landed.
func allLanded(t *testing.T, e *sls.Endpoint, given int) {
	t.Helper()
	seen := make(map[string]bool)
	for _, l := range e.Logs("demo") {
		seq, _, _ := strings.Cut(string(l.Value), ",")
		seen[seq] = true
	}
	if len(seen) != given {
		t.Errorf("%d different records landed of %d", len(seen), given)
	}
}

// In an outage of any kind Fluent Bit holds no more than max_held_chunks chunks, but for the
// first seconds; afterwards everything has landed, once, but for what was on the wire.
func TestOutageGoesToTheSpool(t *testing.T) {
	for _, fault := range outages {
		for _, limit := range []string{"1M", "32M"} {
			if limit == "1M" && fault.Name != sls.AckDelay {
				continue // where chunks wait for room is the same in all
			}
			t.Run(fault.Name+" "+limit, bubbled(func(t *testing.T, network testNetwork) {
				e, disk, o, h, f := network.startSpooling(t, "buffer_limit", limit)
				given := 0
				give := func() {
					for i := range 10 { // small ones and large ones
						f.give("any", events(given, 10, strings.Repeat("x", 1+i%2*2000)))
						given += 10
					}
				}
				for range 5 {
					give()
					time.Sleep(time.Second)
				}
				if n, _ := disk.Written(); n > 0 {
					t.Errorf("%d bytes were written while the service was well", n)
				}
				setFault(t, e, fault)
				for second := range 90 {
					give()
					time.Sleep(time.Second)
					if _, _, waiting := f.longest("any"); waiting > 16 && second > 4 {
						t.Fatalf("%d chunks are held %d s after the outage began", waiting, second)
					}
				}
				if n, _ := disk.Written(); n == 0 || h.count("delivery is in trouble: from now on") != 1 || h.count("spool:", "the oldest from") != 1 {
					t.Errorf("%d bytes written, %d and %d lines about the spool", n, h.count("delivery is in trouble: from now on"), h.count("spool:", "the oldest from"))
				}
				e.ClearFault(fault.Name)
				f.wg.Wait()
				eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
				allLanded(t, e, given)
				h.wait("the spool is empty")
				if s := o.snapshot(time.Now()); s.spool.written == 0 || s.spool.written != s.spool.delivered || s.spool.chunks != 0 || s.bytes != 0 {
					t.Errorf("in the end: %+v", s)
				}
			}))
		}
	}
}

// What trouble of one logstore holds up goes to the spool; those of others that are on
// their way do not.
func TestOneLogstoreGoesToTheSpool(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}})
		e.DelayAcks(300 * time.Millisecond)
		disk := simdisk.New()
		o, _, f := network.spooling(t, storeProperties(properties), disk, Env{})
		for range 40 {
			for range 20 {
				f.give("bad", routedEvents(10, "x", func(int) string { return "missing" }))
				f.give("good", routedEvents(10, "x", func(int) string { return "good" }))
			}
			time.Sleep(time.Second)
		}
		if longest, done, _ := f.longest("good"); done != 800 || longest > time.Second {
			t.Errorf("the good logstore: %d flushes of 800 done, the longest took %v", done, longest)
		}
		if s := o.snapshot(time.Now()); s.spool.chunks < 800-100 || s.spool.written > 800 {
			t.Errorf("%d chunks in the spool, %d written; 800 should be, but for those held", s.spool.chunks, s.spool.written)
		}
		if err := e.CreateLogstore("missing"); err != nil {
			t.Fatal(err)
		}
		f.wg.Wait()
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
		if n := e.Count("missing"); n != 8000 {
			t.Errorf("%d records landed of 8000", n)
		}
	})
}

// Behind thousands of chunks in the spool whose logstore does not exist stand those of a
// logstore that is well again: they are delivered.
func TestSpoolPassesOverWhatWaits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}})
		disk := simdisk.New()
		o, _, f := network.spooling(t, storeProperties(properties), disk, Env{})
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		for range 3 * windowChunks / 100 {
			for range 100 {
				f.give("bad", routedEvents(1, "x", func(int) string { return "missing" }))
			}
			f.give("good", routedEvents(1, "x", func(int) string { return "good" }))
			time.Sleep(time.Second)
		}
		e.ClearFault(sls.ConnectionCut)
		eventually(t, "the good records have landed", func() bool {
			f.give("good", routedEvents(1, "x", func(int) string { return "good" }))
			time.Sleep(time.Second)
			_, done, _ := f.longest("good")
			return e.Count("good") >= done && o.snapshot(time.Now()).spool.chunks <= 3*windowChunks/100*100+16
		})
		if err := e.CreateLogstore("missing"); err != nil {
			t.Fatal(err)
		}
		f.wg.Wait()
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
	})
}

// Several outputs in trouble hold max_held_chunks chunks together.
func TestOutputsHoldTogether(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		holding := new(Holding)
		var all []*flushes
		for range 5 {
			_, _, f := network.spooling(t, storeProperties(properties, "logstore_key", ""), simdisk.New(), Env{Holding: holding})
			all = append(all, f)
		}
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		for second := range 60 {
			sum := 0
			for _, f := range all {
				for range 4 {
					f.give("any", events(0, 10, "x"))
				}
			}
			time.Sleep(time.Second)
			for _, f := range all {
				_, _, waiting := f.longest("any")
				sum += waiting
			}
			if sum > 16 && second > 4 {
				t.Fatalf("%d chunks are held after %d s", sum, second)
			}
		}
		e.ClearFault(sls.ConnectionCut)
		for _, f := range all {
			f.wg.Wait()
		}
		eventually(t, "everything has landed", func() bool { return e.Count("demo") >= 5*4*60*10 })
	})
}

// What a disk does wrong costs nothing but the spool: chunks wait, the log says so, and
// when the disk is well they go there.
func TestSpoolOnABadDisk(t *testing.T) {
	for _, op := range []string{"lock", "list", "create", "write", "sync", "full", "limit", "slow"} {
		t.Run(op, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			disk := simdisk.New()
			var well atomic.Bool
			limit := "1G"
			failure := errors.New("it burns")
			switch op {
			case "full":
				disk.SetRoom(100 << 10)
			case "limit":
				limit = "16M"
			case "slow":
				disk.FailWith(func(o, _ string) error {
					if o == "sync" && !well.Load() {
						time.Sleep(5 * time.Second)
					}
					return nil
				})
			default:
				disk.FailWith(func(o, _ string) error {
					if o == op && !well.Load() {
						return failure
					}
					return nil
				})
			}
			o, h, f := network.spooling(t, storeProperties(properties, "logstore_key", "", "spool_limit", limit), disk, Env{})
			setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
			given := 0
			give := func(seconds int) {
				for range seconds {
					for range 20 {
						f.give("any", events(given, 10, strings.Repeat("x", 2500)))
						given += 10
					}
					time.Sleep(time.Second)
				}
			}
			give(60)
			_, _, waiting := f.longest("any")
			switch {
			case op == "slow":
				if waiting > 200 {
					t.Errorf("%d chunks are held", waiting)
				}
			case op == "limit":
				if waiting < 100 || h.count("the spool is full (spool_limit 16777216)") == 0 {
					t.Errorf("%d chunks are held, and %d lines say that the spool is full", waiting, h.count("the spool is full"))
				}
				if n := o.snapshot(time.Now()).spool.bytes; n > 16<<20 || n < 15<<20 {
					t.Errorf("the spool is full with %d bytes of %d", n, 16<<20)
				}
			case waiting < 100 || h.count("chunks wait with Fluent Bit") == 0:
				t.Errorf("%d chunks are held, and %d lines say so", waiting, h.count("chunks wait with Fluent Bit"))
			}
			well.Store(true)
			disk.SetRoom(-1)
			if op != "limit" {
				give(10)
				if _, _, waiting := f.longest("any"); waiting > 16 {
					t.Errorf("%d chunks are held when the disk is well", waiting)
				}
			}
			e.ClearFault(sls.ConnectionCut)
			f.wg.Wait()
			eventually(t, "the spool is empty", func() bool { return isEmpty(disk) && o.idle() })
			allLanded(t, e, given)
		}))
	}
}

// A spool of another output, or of a newer version, is refused at the start.
func TestSpoolOfAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func() (*Output, error) {
		properties := with("spool_path", dir, "healthcheck", "off", "exit_timeout", "0s")
		cfg, _, err := config.Parse(config.Source{Property: func(k string) string { return properties[k] }, Getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		return New(cfg, Env{Log: NewLog(&memoryLogger{t: t}, "test")})
	}
	o, err := start()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(); !errors.Is(err, spool.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second output: %v", err)
	}
	o.Close()
	o, err = start()
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	o.Close()
}
