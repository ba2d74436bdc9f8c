package host

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// The sides of a handover race: each flush comes out once, those of one side in
// their order, and nobody has to look without having been told.
func TestHandover(t *testing.T) {
	const (
		sides = 4
		each  = 50_000
	)
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	bell := os.NewFile(fd, "bell")
	defer bell.Close()
	raw, err := bell.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	h := &_Ctype_struct_sls_list{fd: _Ctype_int(fd)}
	var running sync.WaitGroup
	for side := range sides {
		running.Go(func() {
			for i := range each {
				handOver(&_Ctype_struct_sls_flush{on_worker: _Ctype_int(side), size: _Ctype_size_t(i)}, h)
				if i%100 == 0 {
					runtime.Gosched() // so that it is empty now and then
				}
			}
		})
	}
	var seen [sides]int
	var taken []*_Ctype_struct_sls_flush
	for all := 0; all < sides*each; all += len(taken) {
		if err := raw.Read(drain); err != nil {
			t.Fatal(err)
		}
		rearm(h)
		taken = takeOver(h, taken[:0])
		for _, w := range taken {
			if int(w.size) != seen[w.on_worker] {
				t.Fatalf("flush %d of side %d came when %d was due", w.size, w.on_worker, seen[w.on_worker])
			}
			seen[w.on_worker]++
		}
	}
	running.Wait()
	if left := takeOver(h, nil); len(left) != 0 {
		t.Errorf("%d flushes came twice", len(left))
	}
}
