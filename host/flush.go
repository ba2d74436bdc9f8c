package host

/*
#cgo nocallback sls_queue_wake_now
#include "flush.h"
#include "queue.h"
*/
import "C"

import (
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
)

// flush is one that is suspended in Fluent Bit's event loop until its chunk
// has a result. It implements [plugin.Waker].
type flush struct {
	of   *intake
	wait atomic.Pointer[C.struct_sls_flush] // nil: it has its result, and may be gone
	data []byte                             // Fluent Bit's, as long as the chunk has no result

	woken bool // among of.woken, whose lock guards it

	mu    sync.Mutex // held while the chunk is submitted or advanced
	chunk *plugin.Chunk
}

// Wake ends the flush, or asks serve to advance its chunk.
func (f *flush) Wake(r plugin.Result) {
	if r != plugin.Pending {
		f.end(C.int(r))
		return
	}
	n := f.of
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.woken || n.closed {
		return
	}
	f.woken = true
	n.woken = append(n.woken, f)
	if len(n.woken) == 1 {
		C.sls_queue_wake_now(n.from)
	}
}

func (f *flush) begin(tag string, worker bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.guard()
	f.chunk = f.of.instance.out.Submit(tag, f.data, f, worker)
	f.step()
}

// advance moves the chunk on, and ends the flush if the chunk has its result.
func (f *flush) advance() {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.guard()
	f.step()
}

func (f *flush) step() {
	if r := f.chunk.Advance(f.data); r != plugin.Pending {
		f.end(C.int(r))
	}
}

// end gives the flush its result, unless it has one.
func (f *flush) end(result C.int) {
	if w := f.wait.Swap(nil); w != nil {
		w.suspended.result = result
		handOver(w, w.suspended.completed)
	}
}

// guard, deferred, turns a panic into a result: Fluent Bit gives the chunk again.
func (f *flush) guard() {
	if r := recover(); r != nil {
		panicked(r)
		f.end(output.FLB_RETRY)
	}
}

// blockingFlush is a flush that waits on its own thread until its eventfd is
// readable. It implements [plugin.Waker]. C has a [cgo.Handle] of it, which is
// made when the chunk is submitted and deleted when the flush is over. Only the
// thread of the flush uses the handle, one call after another, and forgets it when
// it is deleted; handles are not used twice, so that one that is used too late is
// found to be deleted, and is another's never.
//
// Other goroutines have the blockingFlush itself, as the waker of its chunk. The
// flush may be over while one of them wakes it:
//
//  1. The thread waits no longer and detaches the chunk, or has its result.
//  2. A goroutine that delivered the last record is about to write to the eventfd.
//  3. The thread returns: C closes the eventfd, and its number may become that of
//     a connection, into which the goroutine writes.
//
// So the goroutine writes with mu held, and end takes the descriptor away with mu
// held before C closes it: the write comes before 3 or does not come. That holds
// whatever the chunk does with its waker, also after a panic.
type blockingFlush struct {
	chunk *plugin.Chunk // for the thread of the flush alone

	mu sync.Mutex
	fd C.int // -1: the flush is over
}

// Wake makes the thread look after its flush.
func (f *blockingFlush) Wake(plugin.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd >= 0 {
		ring(f.fd)
	}
}

// end lets go of the eventfd.
func (f *blockingFlush) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fd = -1
}

// advanceBlocking submits the chunk of a flush, unless it did before, and moves it
// on. A panic ends the flush as any result but Pending does.
func (i *instance) advanceBlocking(w *C.struct_sls_flush) (result plugin.Result) {
	var f *blockingFlush
	if w.blocking.handle == 0 {
		f = &blockingFlush{fd: w.blocking.fd}
		w.blocking.handle = C.uintptr_t(cgo.NewHandle(f))
		if w.blocking.reason != nil {
			i.warnBlocking(C.GoString(w.blocking.reason))
		}
	} else {
		f = cgo.Handle(w.blocking.handle).Value().(*blockingFlush)
	}
	defer func() {
		if result != plugin.Pending { // a panic leaves it 0
			f.end()
			forget(w)
		}
	}()
	data := dataOf(w)
	if f.chunk == nil {
		f.chunk = i.out.Submit(C.GoString(w.tag), data, f, w.on_worker != 0)
	}
	result = f.chunk.Advance(data)
	return result
}

// detachBlocking ends a flush whose chunk has no result yet. The chunk goes on
// without it.
func detachBlocking(w *C.struct_sls_flush) {
	f := cgo.Handle(w.blocking.handle).Value().(*blockingFlush)
	defer forget(w)
	defer f.end()
	f.chunk.Detach(dataOf(w))
}

// forget deletes the handle of a flush.
func forget(w *C.struct_sls_flush) {
	cgo.Handle(w.blocking.handle).Delete()
	w.blocking.handle = 0
}

// dataOf is the chunk of a flush, as Fluent Bit gave it.
func dataOf(w *C.struct_sls_flush) []byte { return unsafe.Slice((*byte)(w.data), int(w.size)) }
