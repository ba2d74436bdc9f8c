package main

/*
#cgo noescape sls_intake_take
#cgo nocallback sls_intake_take
#cgo nocallback sls_intake_hurry
#cgo noescape sls_answer
#cgo nocallback sls_answer
#include "flush.h"
*/
import "C"

import (
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
)

// intake is where the flushes of an instance come to Go, unless their chunks
// are large, and where those come again that have waited for room. One
// goroutine looks after them.
type intake struct {
	instance *instance
	from     *C.struct_sls_intake
	bell     *os.File                // readable when there is something to do
	waits    [256]*C.struct_sls_wait // taken at a time
	done     chan struct{}

	mu     sync.Mutex
	closed bool
	woken  []*flush
}

// flush is one that is suspended in Fluent Bit's event loop until its chunk
// has a result. It implements [plugin.Waker].
type flush struct {
	of   *intake
	wait atomic.Pointer[C.struct_sls_wait] // nil: it has its result, and may be gone
	data []byte                            // Fluent Bit's, as long as the chunk has no result

	woken bool // among of.woken, whose lock guards it

	mu    sync.Mutex // held while the chunk is submitted or advanced
	chunk *plugin.Chunk
}

func openIntake(i *instance, from *C.struct_sls_intake, fd C.int) *intake {
	return &intake{instance: i, from: from, bell: os.NewFile(uintptr(fd), "intake"), done: make(chan struct{})}
}

// serve looks after the flushes until the intake is closed.
func (n *intake) serve() {
	defer close(n.done)
	defer guard(nil, 0)
	var count [8]byte
	for {
		if _, err := n.bell.Read(count[:]); err != nil {
			return
		}
		n.instance.out.Gather(n.take)
	}
}

// take looks after all that have come.
func (n *intake) take() {
	for got := len(n.waits); got == len(n.waits); {
		got = int(C.sls_intake_take(n.from, &n.waits[0], C.size_t(len(n.waits))))
		n.begin(n.waits[:got])
	}
	woken := n.takeWoken()
	if len(woken) > 0 {
		shared.busy() // the buffer was full
	}
	for _, f := range woken {
		f.advance()
	}
}

// begin submits the chunks of flushes, and encodes those for which there is room.
func (n *intake) begin(waits []*C.struct_sls_wait) {
	flushes := make([]flush, len(waits)) // they come and go together
	for i, w := range waits {
		f := &flushes[i]
		f.of, f.data = n, unsafe.Slice((*byte)(w.data), int(w.size))
		f.wait.Store(w)
		f.begin(C.GoString(w.tag), w.worker != 0)
	}
}

// close ends serve. What it looked after stays suspended.
func (n *intake) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	_ = n.bell.Close() // it is a timer: nothing can be left to write
	<-n.done
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
		C.sls_intake_hurry(n.from)
	}
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
		w.result = result
		C.sls_answer(w)
	}
}

// guard, deferred, turns a panic into a result: Fluent Bit gives the chunk again.
func (f *flush) guard() {
	if r := recover(); r != nil {
		panicked(r)
		f.end(output.FLB_RETRY)
	}
}
