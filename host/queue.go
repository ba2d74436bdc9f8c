package host

/*
#cgo nocallback sls_queue_wake_now
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

// What an event loop encodes in one call, flushes and bytes of chunks: few enough
// that its other events do not wait.
const (
	encodeFlushes = 256
	encodeBytes   = 4 << 20
)

// queue is the Go end of an instance's submission queue. Flushes that C submitted
// come out of it, and those that waited for room and may be encoded now. A
// goroutine takes both; an event loop takes submitted ones where many bytes wait.
type queue struct {
	instance *instance
	c        *C.struct_sls_queue
	timer    *os.File // readable when there is something to take
	done     chan struct{}

	mu       sync.Mutex
	closed   bool
	pending  []*C.struct_sls_flush // taken from C, in their order, and not submitted to the output
	runnable []*suspendedFlush     // to be advanced
}

func openQueue(i *instance, c *C.struct_sls_queue) *queue {
	return &queue{instance: i, c: c, timer: os.NewFile(uintptr(c.submitted.fd), "queue"), done: make(chan struct{})}
}

// run takes flushes out of the queue until it is closed.
func (q *queue) run() {
	defer close(q.done)
	defer guard(nil, 0)
	timer, err := q.timer.SyscallConn()
	if err != nil {
		return // it is closed already
	}
	for timer.Read(clearFD) == nil {
		q.runOnce()
	}
}

func (q *queue) runOnce() {
	defer guard(nil, 0)
	rearm(&q.c.submitted)
	q.instance.out.Coalesce(q.drain)
}

// drain submits and advances all flushes.
func (q *queue) drain() {
	all, _ := q.take(math.MaxInt, math.MaxInt64)
	q.submit(all)
	for _, f := range q.takeRunnable() {
		f.advance()
		runtime.Gosched() // a thread of Fluent Bit may wait for the only P
	}
}

// encodeSome submits and advances some of the flushes that C submitted, and tells
// whether more are pending. Batches that become full are sent while it encodes.
func (q *queue) encodeSome() (more bool) {
	some, more := q.take(encodeFlushes, encodeBytes)
	q.submit(some)
	q.instance.out.Flush()
	return more
}

// take takes flushes that C submitted, up to limits of their number and of the
// bytes of their chunks, and tells whether more are pending.
func (q *queue) take(flushes int, bytes C.size_t) (taken []*C.struct_sls_flush, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = popAll(&q.c.submitted, q.pending)
	n, size := 0, C.size_t(0)
	for n < min(flushes, len(q.pending)) && size < bytes {
		size += q.pending[n].size
		n++
	}
	atomic.AddInt64((*int64)(&q.c.bytes), -int64(size))
	taken, q.pending = q.pending[:n], q.pending[n:]
	return taken, len(q.pending) > 0
}

// submit submits the chunks of flushes, and encodes those for which there is room.
func (q *queue) submit(from []*C.struct_sls_flush) {
	flushes := make([]suspendedFlush, len(from)) // one allocation: they end at about the same time
	for i, c := range from {
		f := &flushes[i]
		f.queue, f.data = q, dataOf(c)
		f.c.Store(c)
		f.submit(C.GoString(c.tag), c.on_worker != 0)
	}
}

// wake makes a flush runnable.
func (q *queue) wake(f *suspendedFlush) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if f.runnable || q.closed {
		return
	}
	f.runnable = true
	q.runnable = append(q.runnable, f)
	if len(q.runnable) == 1 {
		C.sls_queue_wake_now(q.c)
	}
}

func (q *queue) takeRunnable() []*suspendedFlush {
	q.mu.Lock()
	defer q.mu.Unlock()
	runnable := q.runnable
	q.runnable = nil
	for _, f := range runnable {
		f.runnable = false
	}
	return runnable
}

// close ends run. Flushes that were not submitted to the output stay suspended.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	_ = q.timer.Close() // nothing was written that could be lost
	<-q.done
}

// lastOf is the place of a list's last flush, which C uses too.
func lastOf(list *C.struct_sls_list) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Pointer(&list.last))
}

// push adds a flush to a list and notifies whoever takes. The flush may be taken,
// and its memory freed, before push returns.
func push(list *C.struct_sls_list, f *C.struct_sls_flush) {
	for {
		last := atomic.LoadPointer(lastOf(list))
		f.next = (*C.struct_sls_flush)(last)
		if atomic.CompareAndSwapPointer(lastOf(list), last, unsafe.Pointer(f)) {
			break
		}
	}
	if atomic.SwapInt32((*int32)(&list.notified), 1) == 0 {
		notify(list.fd)
	}
}

// rearm has the next push notify again. Whoever takes calls it first, and takes
// then: a flush that is pushed in between is taken at once, and the notification
// finds nothing.
func rearm(list *C.struct_sls_list) { atomic.StoreInt32((*int32)(&list.notified), 0) }

// popAll takes all flushes of a list and appends them to taken, in the order in
// which they were pushed.
func popAll(list *C.struct_sls_list, taken []*C.struct_sls_flush) []*C.struct_sls_flush {
	before := len(taken)
	for f := (*C.struct_sls_flush)(atomic.SwapPointer(lastOf(list), nil)); f != nil; f = f.next {
		taken = append(taken, f)
	}
	slices.Reverse(taken[before:])
	return taken
}

// notify makes an eventfd readable.
func notify(fd C.int) {
	one := [8]byte{1} // not 0, in any byte order
	_, _ = syscall.Write(int(fd), one[:])
}

// clearFD makes a timer or an eventfd unreadable. It returns false if it was not
// readable.
func clearFD(fd uintptr) bool {
	var count [8]byte
	_, err := syscall.Read(int(fd), count[:])
	return err != syscall.EAGAIN
}
