package host

import (
	"os"
	"runtime"
	"sync"
	"testing"
)

// Sides that push race with the one that takes: each flush is taken once, those of
// one side in their order, and nobody takes without having been notified.
func TestList(t *testing.T) {
	const (
		sides = 4
		each  = 50_000
	)
	fd := eventFD(t)
	event := os.NewFile(uintptr(fd), "eventfd")
	defer event.Close()
	raw, err := event.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	list := &_Ctype_struct_sls_list{fd: _Ctype_int(fd)}
	var running sync.WaitGroup
	for side := range sides {
		running.Go(func() {
			for i := range each {
				push(list, &_Ctype_struct_sls_flush{on_worker: _Ctype_int(side), size: _Ctype_size_t(i)})
				if i%100 == 0 {
					runtime.Gosched() // so that the list is empty now and then
				}
			}
		})
	}
	var seen [sides]int
	var taken []*_Ctype_struct_sls_flush
	for all := 0; all < sides*each; all += len(taken) {
		if err := raw.Read(clearFD); err != nil {
			t.Fatal(err)
		}
		rearm(list)
		taken = popAll(list, taken[:0])
		for _, f := range taken {
			if int(f.size) != seen[f.on_worker] {
				t.Fatalf("flush %d of side %d came when %d was due", f.size, f.on_worker, seen[f.on_worker])
			}
			seen[f.on_worker]++
		}
	}
	running.Wait()
	if left := popAll(list, nil); len(left) != 0 {
		t.Errorf("%d flushes came twice", len(left))
	}
}
