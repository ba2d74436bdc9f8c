package host

/*
#include "fluentbit.h"
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

// suspendedFlush is a flush that is suspended in Fluent Bit's event loop until its
// chunk has a result. It implements [plugin.Waker].
type suspendedFlush struct {
	queue    *queue
	notifier *C.struct_sls_notifier
	size     int
	onWorker C.int

	c     atomic.Pointer[C.struct_sls_flush] // nil: the flush is complete, and its memory may be freed
	chunk atomic.Pointer[plugin.Chunk]       // nil: not submitted yet

	runnable bool // among the queue's work, whose lock guards it
}

// Wake completes the flush, or has the queue advance its chunk.
func (f *suspendedFlush) Wake(r plugin.Result) {
	if r != plugin.Pending {
		f.complete(C.int(r))
		return
	}
	f.queue.wake(f)
}

// submit submits the chunk and advances it, from its copy. Without one the calling
// thread is that of the flush's event loop, and Fluent Bit's memory is read.
func (f *suspendedFlush) submit(c *C.struct_sls_flush, copied *C.struct_sls_copy) {
	defer f.guard()
	data := copyOf(copied, f.size)
	if copied == nil {
		if C.sls_chunk_readable(f.onWorker) == 0 {
			f.complete(output.FLB_RETRY)
			return
		}
		data = dataOf(c)
	}
	chunk := f.queue.instance.out.Submit(C.GoString(c.tag), data, f, f.onWorker != 0)
	f.chunk.Store(chunk)
	f.advanceFrom(chunk, data)
}

// advance advances the chunk, from Fluent Bit's memory. The calling thread is that
// of the flush's event loop, so nothing resumes the flush while its chunk is read.
// Whoever submits the chunk may advance it at the same time; one of the two encodes
// it. If the chunk is not stored yet, that one advances it after this wake.
func (f *suspendedFlush) advance() {
	defer f.guard()
	c, chunk := f.c.Load(), f.chunk.Load()
	if c == nil || chunk == nil {
		return
	}
	if C.sls_chunk_readable(f.onWorker) == 0 {
		chunk.GiveBack()
		return
	}
	f.advanceFrom(chunk, dataOf(c))
}

func (f *suspendedFlush) advanceFrom(chunk *plugin.Chunk, data []byte) {
	if r := chunk.Advance(data); r != plugin.Pending {
		f.complete(C.int(r))
	}
}

// Data returns the chunk while the instance ends, on the engine's thread. Fluent Bit keeps
// it until then, where its inputs end after its outputs.
func (f *suspendedFlush) Data() []byte {
	c := f.c.Load()
	if c == nil || f.onWorker != 0 || C.sls_chunks_outlive_outputs() == 0 {
		return nil
	}
	return dataOf(c)
}

// complete gives the flush its result, unless it has one: the chunk may wake the
// flush while Advance returns the same result.
func (f *suspendedFlush) complete(result C.int) {
	if c := f.c.Swap(nil); c != nil {
		c.suspended.result = result
		push(c.suspended.completed, c)
	}
}

// guard, deferred, turns a panic into a retry.
func (f *suspendedFlush) guard() {
	if r := recover(); r != nil {
		logPanic(f.queue.instance.log, r)
		f.complete(output.FLB_RETRY)
	}
}

// blockingFlush is a flush that waits on its own thread until its eventfd is
// readable. It implements [plugin.Waker].
//
// C has a [cgo.Handle] of it, which is made before the chunk is submitted and
// deleted when the flush is over. Only the thread of the flush uses the handle, one
// call after another, and C forgets it when it is deleted. Handles are not used
// twice: one that is used too late is not valid, and never another flush's.
//
// Other goroutines have the blockingFlush itself, as the waker of its chunk, and
// may use it when the flush is over:
//
//  1. A goroutine delivers the last record and is about to write to the eventfd.
//  2. The flush times out. Its thread detaches the chunk and returns to C.
//  3. C closes the eventfd, and its number becomes that of a connection.
//  4. The goroutine writes into that connection.
//
// So the goroutine writes with mu held, and end takes the descriptor away with mu
// held before the thread returns to C. The write comes before 2 or not at all,
// whatever the chunk does with its waker, also after a panic.
type blockingFlush struct {
	chunk *plugin.Chunk // for the thread of the flush alone

	mu sync.Mutex
	fd C.int // eventfd, C's; -1: the flush is over
}

// Wake has the thread of the flush advance its chunk.
func (f *blockingFlush) Wake(plugin.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd >= 0 {
		notify(f.fd)
	}
}

func (f *blockingFlush) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fd = -1
}

// advanceBlocking submits the chunk of a flush in the first call, and advances it.
// Any result but Pending ends the flush, and so does a panic.
func (i *instance) advanceBlocking(c *C.struct_sls_flush) (result plugin.Result) {
	var f *blockingFlush
	if c.blocking.handle == 0 {
		f = &blockingFlush{fd: c.blocking.fd}
		c.blocking.handle = C.uintptr_t(cgo.NewHandle(f))
		if c.blocking.reason != nil {
			i.warnBlocking(C.GoString(c.blocking.reason))
		}
	} else {
		f = cgo.Handle(c.blocking.handle).Value().(*blockingFlush)
	}
	defer func() {
		if result != plugin.Pending { // a panic leaves it 0
			f.end()
			deleteHandle(c)
		}
	}()
	data := dataOf(c)
	if f.chunk == nil {
		f.chunk = i.out.Submit(C.GoString(c.tag), data, f, c.on_worker != 0)
	}
	result = f.chunk.Advance(data)
	return result
}

// detachBlocking ends a flush whose chunk has no result. The chunk goes on, and
// Fluent Bit gives it again.
func detachBlocking(c *C.struct_sls_flush) {
	f := cgo.Handle(c.blocking.handle).Value().(*blockingFlush)
	defer deleteHandle(c)
	defer f.end()
	f.chunk.Detach(dataOf(c))
}

func deleteHandle(c *C.struct_sls_flush) {
	cgo.Handle(c.blocking.handle).Delete()
	c.blocking.handle = 0
}

// copyOf is the copy of a chunk of that size.
func copyOf(c *C.struct_sls_copy, size int) []byte {
	if c == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(c), C.sizeof_struct_sls_copy)), size)
}

// dataOf is the chunk of a flush, Fluent Bit's.
func dataOf(c *C.struct_sls_flush) []byte { return unsafe.Slice((*byte)(c.data), int(c.size)) }
