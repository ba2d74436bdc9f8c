package host

/*
#include <stdlib.h>
#cgo nocallback sls_copies_free
#cgo nocallback sls_notifier_encode
#include "flush.h"
#include "notifier.h"
#include "queue.h"
*/
import "C"

import (
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// What an event loop encodes in one call, flushes and bytes of chunks: few enough
// that its other events do not wait.
const (
	encodeFlushes = 256
	encodeBytes   = 4 << 20
)

// queue is the Go end of an instance's submission queue. Flushes whose chunk was
// copied come out of it; a goroutine takes them, or an event loop that encodes
// anyway. The others wait here for the event loop that they are suspended in.
type queue struct {
	instance *instance
	c        *C.struct_sls_queue
	timer    *os.File // readable when there is something to take
	done     chan struct{}

	mu      sync.Mutex
	closed  bool
	pending []*C.struct_sls_flush // taken from C, in their order, and not submitted to the output
	loops   map[*C.struct_sls_notifier]*loopWork
}

// loopWork is what the event loop of one notifier has to encode.
type loopWork struct {
	pending  []*C.struct_sls_flush // not submitted to the output
	runnable []*suspendedFlush     // to be advanced
}

func openQueue(i *instance, c *C.struct_sls_queue) *queue {
	return &queue{instance: i, c: c, timer: os.NewFile(uintptr(c.submitted.fd), "queue"), done: make(chan struct{}),
		loops: make(map[*C.struct_sls_notifier]*loopWork)}
}

// run takes flushes out of the queue until it is closed.
func (q *queue) run() {
	defer close(q.done)
	defer q.instance.guard()
	timer, err := q.timer.SyscallConn()
	if err != nil {
		return // it is closed already
	}
	for timer.Read(clearFD) == nil {
		q.runOnce()
	}
}

func (q *queue) runOnce() {
	defer q.instance.guard()
	rearm(&q.c.submitted)
	q.instance.out.Coalesce(func() {
		all, _ := q.take(math.MaxInt)
		q.submit(all)
	})
}

// encodeSome submits and advances some flushes: those whose chunk was copied, and
// those of the calling event loop, direct among them. It tells whether more are
// pending. Batches that become full are sent while it encodes.
func (q *queue) encodeSome(notifier *C.struct_sls_notifier, direct *C.struct_sls_flush) (more bool) {
	copied, moreCopied := q.take(encodeFlushes)
	q.submit(copied)
	pending, runnable, more := q.takeWork(notifier, direct)
	q.submit(pending)
	for _, f := range runnable {
		f.advance()
	}
	q.instance.out.Flush()
	return more || moreCopied
}

// take takes flushes whose chunk was copied, up to a number, and tells whether more
// are pending. The bytes of the copies are bounded in C.
func (q *queue) take(flushes int) (taken []*C.struct_sls_flush, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = popAll(&q.c.submitted, q.pending)
	n := min(flushes, len(q.pending))
	taken, q.pending = q.pending[:n], q.pending[n:]
	return taken, len(q.pending) > 0
}

// takeWork takes some of what an event loop has to encode, direct included, and
// tells whether more is left.
func (q *queue) takeWork(notifier *C.struct_sls_notifier, direct *C.struct_sls_flush) (pending []*C.struct_sls_flush, runnable []*suspendedFlush, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.workLocked(notifier)
	for f := direct; f != nil; f = f.next {
		w.pending = append(w.pending, f)
	}
	flushes, size, n := encodeFlushes, C.size_t(encodeBytes), 0
	for ; n < len(w.runnable) && flushes > 0 && size > 0; n++ {
		flushes, size = flushes-1, size-min(size, C.size_t(w.runnable[n].size))
		w.runnable[n].runnable = false
	}
	runnable, w.runnable = w.runnable[:n:n], w.runnable[n:]
	for n = 0; n < len(w.pending) && flushes > 0 && size > 0; n++ {
		flushes, size = flushes-1, size-min(size, w.pending[n].size)
	}
	pending, w.pending = w.pending[:n:n], w.pending[n:]
	return pending, runnable, len(w.runnable)+len(w.pending) > 0
}

func (q *queue) workLocked(notifier *C.struct_sls_notifier) *loopWork {
	w := q.loops[notifier]
	if w == nil {
		w = new(loopWork)
		q.loops[notifier] = w
	}
	return w
}

// submit submits the chunks of flushes, and encodes those for which there is room:
// from their copies, which are freed, or else from Fluent Bit's memory.
func (q *queue) submit(from []*C.struct_sls_flush) {
	flushes := make([]suspendedFlush, len(from)) // one allocation: they end at about the same time
	var copies *C.struct_sls_copy
	size := C.size_t(0)
	for i, c := range from {
		f, copied := &flushes[i], c.copy
		f.queue, f.notifier, f.size, f.onWorker = q, c.suspended.notifier, int(c.size), c.on_worker
		if copied != nil { // c may be gone when it is submitted
			copied.next, copies = copies, copied
			size += c.size
		}
		f.c.Store(c)
		f.submit(c, copied)
	}
	if copies != nil {
		atomic.AddInt64((*int64)(&q.c.bytes), -int64(size))
		C.sls_copies_free(copies)
	}
}

// wake makes a flush runnable, by the event loop that it is suspended in.
func (q *queue) wake(f *suspendedFlush) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if f.runnable || q.closed {
		return
	}
	f.runnable = true
	w := q.workLocked(f.notifier)
	w.runnable = append(w.runnable, f)
	C.sls_notifier_encode(f.notifier)
}

// endLimit is how long run may take to end: it may be encoding 512 KiB.
const endLimit = time.Second

// close ends run. With a spool, the flushes whose chunk was copied are submitted: it keeps
// what Fluent Bit may not. Others that were not submitted stay suspended. It
// returns false if run hangs; it may use the queue later then.
func (q *queue) close() bool {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	_ = q.timer.Close() // nothing was written that could be lost
	select {
	case <-q.done:
	case <-time.After(endLimit):
		return false
	}
	left, _ := q.take(math.MaxInt)
	if q.instance.cfg.SpoolPath != "" {
		q.submit(left)
		return true
	}
	for _, c := range left {
		C.free(unsafe.Pointer(c.copy))
		c.copy = nil
	}
	return true
}

// discard closes a queue that never ran. q may be nil.
func (q *queue) discard() {
	if q != nil {
		_ = q.timer.Close()
	}
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
