package plugin

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/sls"
)

// markedHeap is what a collection of garbage, which it begins and awaits, leaves of the heap.
func markedHeap() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// spoolMegabytes is how much is in the spool; the environment may ask for more.
func spoolMegabytes(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SPOOL_MEGABYTES")
	if text == "" {
		return 80
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A spool many times larger than buffer_limit is delivered within buffer_limit and a constant,
// by the real client, over real sockets, from a real disk: what takes time there is what holds
// memory. SPOOL_MEGABYTES=2000 has the spool of a long outage. Not parallel: the heap is the
// process's, and the endpoint's buffers count too.
func TestMemoryWhileTheSpoolIsDelivered(t *testing.T) {
	shapes := map[string][]byte{
		"chunks of 2 MB": events(0, 1900, strings.Repeat("x", 1000)),
		"chunks of 2 KB": events(0, 8, strings.Repeat("x", 200)),
	}
	for name, chunk := range shapes {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			n := spoolMegabytes(t) << 20 / len(chunk)
			fillSpool(t, dir, chunk, n)
			e, properties := testNetwork{}.startEndpoint(t, sls.Options{DiscardLogs: true})
			properties["buffer_limit"], properties["spool_path"], properties["spool_limit"] = "16M", dir, "8G"
			before, peak := markedHeap(), int64(0)
			begin := time.Now()
			o, _ := testNetwork{}.startOutput(t, properties)
			for o.spooler.disk.Load() == nil || o.spooler.disk.Load().Stats().Chunks > 0 {
				peak = max(peak, markedHeap()-before)
				time.Sleep(10 * time.Millisecond) // between two samples
			}
			want := n * bytes.Count(chunk, []byte("\xa3seq"))
			eventually(t, "all is acknowledged", func() bool { return e.Count("demo") >= want })
			t.Logf("FIGURES %d MB in %d chunks, in %v: heap +%.1f MiB at most, with buffer_limit 16 MiB", n*len(chunk)>>20, n, time.Since(begin).Round(time.Second), float64(peak)/(1<<20))
			if peak > 16<<20+memoryExtra {
				t.Errorf("%d bytes of heap, at most %d are allowed", peak, 16<<20+memoryExtra)
			}
			if got := e.Count("demo"); got != want {
				t.Errorf("%d records landed of %d", got, want)
			}
		})
	}
}

// fillSpool puts a chunk into the spool of a directory n times.
func fillSpool(t *testing.T, dir string, chunk []byte, n int) {
	t.Helper()
	s, _, err := spool.Open(spool.Directory(dir), 8<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n > 0 {
		var b spool.Batch
		for ; n > 0 && b.Size() < s.BatchBytes(); n-- {
			b.Add("app", time.Now(), chunk)
		}
		if _, err := s.Append(&b); err != nil {
			t.Fatal(err)
		}
	}
}
