package plugin

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/test/sls"
)

// Connections that die before the broker has the whole of a request: nothing
// is written, so nothing is stored twice.
func TestFaultCutBeforeTheWrite(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]bool{"nothing comes": false, "in the middle of a TLS record": true} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			var c cutter
			e, properties := network.startEndpoint(t, c.options(sls.Options{}))
			o, h := network.startOutput(t, properties)
			h.wait("reachable")
			l := newLoad(t, o, e)
			l.send(1, 100) // the connection for produce requests
			l.flushes.Wait()
			c.half.Store(part)
			c.reads.Store(8)
			l.send(6, 500)
			l.wantStored(0, 0)
			if left := c.reads.Load(); left > 0 {
				t.Errorf("%d of 8 cuts did not happen", left)
			}
			wantRecovery(t, h, "cannot reach 127.0.0.1", "retrying")
		}))
	}
}

// Connections that die after the broker wrote and before its answer is whole:
// the records of that one request may be stored twice.
func TestFaultCutAfterTheWrite(t *testing.T) {
	t.Parallel()
	for name, middle := range map[string]bool{"no answer came": false, "in the middle of the answer's TLS record": true} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			var c cutter
			e, properties := network.startEndpoint(t, c.options(sls.Options{}))
			o, h := network.startOutput(t, properties)
			h.wait("reachable")
			l := newLoad(t, o, e)
			l.send(1, 100)
			l.flushes.Wait()
			e.DelayAcks(time.Hour)
			l.send(4, 500)
			waitCount(t, e, 101)
			if middle {
				c.writes.Store(1)
				e.DelayAcks(0)
			} else {
				c.cut()
				e.DelayAcks(0)
			}
			l.flushes.Wait()
			l.wantStored(0, int(l.largest.Load()))
		}))
	}
}

// An endpoint that takes requests and answers none, whether it writes or not.
func TestFaultNoAnswer(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]bool{"not written": false, "written, and the answers come too late": true} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			properties["request_timeout"] = "100ms"
			o, h := network.startOutput(t, properties)
			l := newLoad(t, o, e)
			var answer atomic.Bool
			duplicates := 0
			if written {
				e.DelayAcks(connect.RequestTimeoutOverhead + time.Second)
			} else {
				e.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
					e.Cluster().KeepControl()
					return nil, nil, !answer.Load()
				})
			}
			l.send(4, 500)
			begin := time.Now()
			if written {
				waitCount(t, e, 1)
			}
			h.wait("no acknowledgement from", "requests are not answered", "retrying")
			eventually(t, "the connection given up, and the request made again", func() bool { return e.ProduceRequests() > 1 })
			answer.Store(true)
			if written {
				e.DelayAcks(0)
				duplicates = int(l.largest.Load())
			}
			l.wantStored(0, duplicates)
			t.Logf("FIGURES done after %v", time.Since(begin).Round(100*time.Millisecond))
			wantRecovery(t, h, "no acknowledgement from")
		}))
	}
}

func TestFaultHalfThePartitions(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Shards: 4})
		properties["partitioner"] = "round_robin"
		o, h := network.startOutput(t, properties)
		l := newLoad(t, o, e)
		fault := e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0, 1}, Err: kerr.KafkaStorageError, Count: -1})
		l.send(6, 500)
		waitCount(t, e, 1) // the other half goes on
		h.wait("the service had an error")
		fault.Remove()
		l.wantStored(0, 0)
		wantRecovery(t, h, "the service had an error", "KAFKA_STORAGE_ERROR")
	})
}

func TestFaultLeaderMoved(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Nodes: 3, Shards: 3})
		properties["partitioner"] = "round_robin"
		o, h := network.startOutput(t, properties)
		l := newLoad(t, o, e)
		l.send(3, 300)
		l.flushes.Wait()
		for round := range int32(3) {
			l.send(2, 300)
			for p := range int32(3) {
				if err := e.Cluster().MoveTopicPartition("demo.json", p, (p+round+1)%3); err != nil {
					t.Fatal(err)
				}
			}
			l.send(2, 300)
			l.flushes.Wait()
		}
		l.wantStored(0, 0)
		time.Sleep(2 * recoveryWindow)
		if !o.health.healthy(time.Now()) {
			t.Errorf("an incident after it: %s", h.text())
		}
	})
}

// On the network of this machine, whose kernel refuses the connections.
func TestFaultDownAtStart(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	ca, address := newCA(t), network.freeAddress(t)
	o, h := network.startOutput(t, propertiesFor(t, address, ca.PEM()))
	l := &load{t: t, o: o}
	l.send(6, 500)
	h.wait("cannot reach "+address, "TCP", "connection refused", "retrying")
	e, _ := network.startEndpoint(t, sls.Options{Listen: address, CA: ca})
	l.watch(e)
	l.wantStored(0, 0)
	wantRecovery(t, h, "cannot reach "+address)
}

// Nothing but the end of the output can end this one: the name stays unknown. On
// the network of this machine, since its resolver is asked.
func TestFaultDNS(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	properties := propertiesFor(t, "no-such-host.invalid:10012", newCA(t).PEM())
	properties["exit_timeout"] = "100ms"
	o, h := network.startOutput(t, properties)
	w, chunk := make(channelWaker, 1), events(0, 100, "hello")
	c := o.Submit("test.tag", chunk, w, false)
	if r := c.Advance(chunk); r != Pending {
		t.Fatalf("result %d, want %d", r, Pending)
	}
	h.wait("cannot reach no-such-host.invalid:10012 (DNS)", "retrying")
	o.Close()
	if r := await(c, w, chunk); r != Retry {
		t.Errorf("result %d after the end, want %d", r, Retry)
	}
}

func waitCount(t *testing.T, e *sls.Endpoint, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := e.WaitCount(ctx, "demo", n); err != nil {
		t.Fatal(err)
	}
}

func newCA(t *testing.T) *sls.CA {
	t.Helper()
	ca, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// Answers half a minute late are no fault where request_timeout allows for
// them: nothing is sent twice, and nothing is said.
func TestFaultAnswersHalfAMinuteLate(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["request_timeout"] = "60s"
		o, h := network.startOutput(t, properties)
		e.DelayAcks(30 * time.Second)
		l := newLoad(t, o, e)
		l.send(3, 1000)
		l.wantStored(0, 0)
		if n := h.count("retrying"); n > 0 {
			t.Errorf("%d lines of an incident", n)
		}
	})
}
