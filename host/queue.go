package host

/*
#include "flush.h"
#include "queue.h"
*/
import "C"

import (
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// What an event loop does at a time, so that it soon comes to other things.
const (
	someFlushes = 256
	someBytes   = 4 << 20
)

// intake is where the flushes of an instance come to Go, and where those come
// again that have waited for room. One goroutine looks after them; the event
// loops do where there is much to encode.
type intake struct {
	instance *instance
	from     *C.struct_sls_queue
	timer    *os.File // readable when there is something to do
	done     chan struct{}

	mu     sync.Mutex
	closed bool
	come   []*C.struct_sls_flush // those not begun yet, in their order
	woken  []*flush
}

func openIntake(i *instance, from *C.struct_sls_queue) *intake {
	return &intake{instance: i, from: from, timer: os.NewFile(uintptr(from.submitted.fd), "intake"), done: make(chan struct{})}
}

// serve looks after the flushes until the intake is closed.
func (n *intake) serve() {
	defer close(n.done)
	defer guard(nil, 0)
	timer, err := n.timer.SyscallConn()
	if err != nil {
		return // it is closed already
	}
	for timer.Read(drain) == nil {
		n.serveRound()
	}
}

func (n *intake) serveRound() {
	defer guard(nil, 0)
	rearm(&n.from.submitted)
	n.instance.out.Coalesce(n.serveAll)
}

func (n *intake) serveAll() {
	all, _ := n.take(math.MaxInt, math.MaxInt64)
	n.begin(all)
	for _, f := range n.takeWoken() {
		f.advance()
		runtime.Gosched() // a thread of Fluent Bit may wait for the only processor
	}
}

// serveSome looks after some of those that have come, and tells whether there
// are more. What becomes full meanwhile is sent meanwhile.
func (n *intake) serveSome() (more bool) {
	some, more := n.take(someFlushes, someBytes)
	n.begin(some)
	n.instance.out.Flush()
	return more
}

// take takes flushes that have come, and tells whether there are more.
func (n *intake) take(most int, mostBytes C.size_t) (taken []*C.struct_sls_flush, more bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.come = takeOver(&n.from.submitted, n.come)
	count, bytes := 0, C.size_t(0)
	for count < min(most, len(n.come)) && bytes < mostBytes {
		bytes += n.come[count].size
		count++
	}
	atomic.AddInt64((*int64)(&n.from.bytes), -int64(bytes))
	taken, n.come = n.come[:count], n.come[count:]
	return taken, len(n.come) > 0
}

// begin submits the chunks of flushes, and encodes those for which there is room.
func (n *intake) begin(waits []*C.struct_sls_flush) {
	flushes := make([]flush, len(waits)) // they come and go together
	for i, w := range waits {
		f := &flushes[i]
		f.of, f.data = n, dataOf(w)
		f.wait.Store(w)
		f.begin(C.GoString(w.tag), w.on_worker != 0)
	}
}

// close ends serve. What it looked after stays suspended.
func (n *intake) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	_ = n.timer.Close() // nothing can be left to write
	<-n.done
}

func (n *intake) takeWoken() []*flush {
	n.mu.Lock()
	defer n.mu.Unlock()
	woken := n.woken
	n.woken = nil
	for _, f := range woken {
		f.woken = false
	}
	return woken
}

// lastOf is where C has the last flush of a handover.
func lastOf(h *C.struct_sls_list) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Pointer(&h.last))
}

// handOver puts a flush into the handover of a bell, which it rings. After that
// the flush may be gone.
func handOver(w *C.struct_sls_flush, to *C.struct_sls_list) {
	for {
		before := atomic.LoadPointer(lastOf(to))
		w.next = (*C.struct_sls_flush)(before)
		if atomic.CompareAndSwapPointer(lastOf(to), before, unsafe.Pointer(w)) {
			break
		}
	}
	if atomic.SwapInt32((*int32)(&to.notified), 1) == 0 {
		ring(to.fd)
	}
}

// ring makes an eventfd readable.
func ring(fd C.int) {
	more := [8]byte{1} // in any byte order
	_, _ = syscall.Write(int(fd), more[:])
}

// rearm has whoever puts something into a handover ring again.
func rearm(h *C.struct_sls_list) { atomic.StoreInt32((*int32)(&h.notified), 0) }

// takeOver appends all flushes of a handover to taken, in their order.
func takeOver(from *C.struct_sls_list, taken []*C.struct_sls_flush) []*C.struct_sls_flush {
	before := len(taken)
	for w := (*C.struct_sls_flush)(atomic.SwapPointer(lastOf(from), nil)); w != nil; w = w.next {
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
