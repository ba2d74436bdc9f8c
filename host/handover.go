package host

/*
#include "flush.h"
*/
import "C"

import (
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// lastOf is where C has the last flush of a handover.
func lastOf(h *C.struct_sls_handover) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Pointer(&h.last))
}

// handOver puts a flush into the handover of a bell, which it rings. After that
// the flush may be gone.
func handOver(w *C.struct_sls_wait, to *C.struct_sls_handover) {
	for {
		before := atomic.LoadPointer(lastOf(to))
		w.next = (*C.struct_sls_wait)(before)
		if atomic.CompareAndSwapPointer(lastOf(to), before, unsafe.Pointer(w)) {
			break
		}
	}
	if atomic.SwapInt32((*int32)(&to.rung), 1) == 0 {
		ring(to.fd)
	}
}

// ring makes an eventfd readable.
func ring(fd C.int) {
	more := [8]byte{1} // in any byte order
	_, _ = syscall.Write(int(fd), more[:])
}

// rearm has whoever puts something into a handover ring again.
func rearm(h *C.struct_sls_handover) { atomic.StoreInt32((*int32)(&h.rung), 0) }

// takeOver appends all flushes of a handover to taken, in their order.
func takeOver(from *C.struct_sls_handover, taken []*C.struct_sls_wait) []*C.struct_sls_wait {
	before := len(taken)
	for w := (*C.struct_sls_wait)(atomic.SwapPointer(lastOf(from), nil)); w != nil; w = w.next {
		taken = append(taken, w)
	}
	slices.Reverse(taken[before:])
	return taken
}

// drain empties the descriptor of a timer or an eventfd. It returns false where
// it was not readable.
func drain(fd uintptr) bool {
	var count [8]byte
	_, err := syscall.Read(int(fd), count[:])
	return err != syscall.EAGAIN
}
