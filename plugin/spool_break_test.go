package plugin

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

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
		e, properties := network.startEndpoint(t, sls.Options{})
		disk := simdisk.New()
		o, _, f := network.spooling(t, storeProperties(properties, "logstore_key", "", "buffer_limit", "1M", "max_held_chunks", "0"), disk, Env{})
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

// A chunk of the spool that is begun in the moment in which all are to end ends like the
// others.
func TestBegunAsAllEnd(t *testing.T) {
	t.Parallel()
	cfg := testNetwork{}.parse(t, with("healthcheck", "off", "exit_timeout", "0s"))
	o, _ := startIn(t, cfg, Env{Spool: simdisk.New()})
	u := o.spooler.unspool
	quit := make(chan struct{})
	defer close(quit)
	for range 2 { // makes the order of those who wait for the lock random
		go func() {
			for {
				select {
				case <-quit:
					return
				default:
					o.admission.load()
				}
			}
		}()
	}
	for i := range 5000 {
		var b spool.Batch
		b.Add("tag", time.Now(), events(i, 1, "x"))
		entries, err := o.spooler.disk.Load().Append(&b)
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { u.submit("tag", events(i, 1, "x"), entries[0]) })
		both.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("panic: %v", r)
				}
			}()
			u.end()
		})
		both.Wait()
		if t.Failed() {
			return
		}
	}
}
