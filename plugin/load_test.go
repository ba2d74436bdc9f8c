package plugin

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// load sends chunks of numbered records and checks which were stored.
type load struct {
	t       *testing.T
	o       *Output
	e       *sls.Endpoint
	sent    int
	flushes sync.WaitGroup
	largest atomic.Int64 // records of the largest produce request
}

func newLoad(t *testing.T, o *Output, e *sls.Endpoint) *load {
	l := &load{t: t, o: o}
	l.watch(e)
	return l
}

// watch makes e the endpoint that must store the records.
func (l *load) watch(e *sls.Endpoint) {
	l.e = e
	e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1, When: func(r kmsg.Request) bool {
		n := int64(0)
		eachBatch(r, func(b *kmsg.RecordBatch) { n += int64(b.NumRecords) })
		l.largest.Store(max(l.largest.Load(), n))
		return false
	}})
}

// send submits chunks of records; each must come to the result OK.
func (l *load) send(chunks, records int) {
	for range chunks {
		l.add(events(l.sent, records, "hello"), records)
	}
}

func (l *load) add(chunk []byte, records int) {
	l.sent += records
	l.flushes.Go(func() {
		if r := deliver(l.t, l.o, chunk); r != OK {
			l.t.Errorf("result %d, want %d", r, OK)
		}
	})
}

// wantStoredBesides is wantStored while single records are sent: that these are taken
// shows whose fault it is when others are not.
func (l *load) wantStoredBesides(missing, duplicates int) {
	l.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.flushes.Wait()
	}()
	for tick := time.NewTicker(30 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			l.wantStored(missing, duplicates)
			return
		case <-tick.C:
			if r := deliver(l.t, l.o, events(l.sent, 1, "besides")); r != OK {
				l.t.Errorf("result %d, want %d", r, OK)
			}
			l.sent++
		}
	}
}

// wantStored waits for the results and checks that all records but missing ones were
// stored, and at most duplicates of them again.
func (l *load) wantStored(missing, duplicates int) {
	l.t.Helper()
	l.flushes.Wait()
	unique, gotDuplicates := sequences(l.e)
	l.t.Logf("FIGURES sent %d, stored %d, duplicates %d (largest request: %d records)", l.sent, unique, gotDuplicates, l.largest.Load())
	if unique != l.sent-missing {
		l.t.Errorf("%d unique records stored, want %d", unique, l.sent-missing)
	}
	if gotDuplicates > duplicates {
		l.t.Errorf("%d duplicates, at most %d are allowed", gotDuplicates, duplicates)
	}
}

// sequences counts the different numbers that were stored, and the other records.
func sequences(e *sls.Endpoint) (unique, duplicates int) {
	seen := make(map[string]struct{})
	logs := e.Logs("demo")
	for _, l := range logs {
		_, rest, _ := bytes.Cut(l.Value, []byte(`"seq":`))
		number, _, _ := bytes.Cut(rest, []byte(","))
		seen[string(number)] = struct{}{}
	}
	return len(seen), len(logs) - len(seen)
}

// eachBatch calls fn for each batch of a produce request.
func eachBatch(r kmsg.Request, fn func(*kmsg.RecordBatch)) {
	for _, t := range r.(*kmsg.ProduceRequest).Topics {
		for _, p := range t.Partitions {
			var b kmsg.RecordBatch
			if b.ReadFrom(p.Records) == nil {
				fn(&b)
			}
		}
	}
}

// wantRecovery checks the end of an incident: one line was logged when it began, and
// one when it is over.
func wantRecovery(t *testing.T, h *memoryLogger, words ...string) {
	t.Helper()
	h.wait(words...)
	h.wait("delivery works again")
	if n := h.count(words...); n != 1 {
		t.Errorf("%d lines with %q, want 1", n, words)
	}
}
