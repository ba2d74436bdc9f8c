package host

/*
#cgo nocallback sls_intake_hurry
#include "flush.h"
#include "queue.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
)

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
		handOver(w, w.settled)
	}
}

// guard, deferred, turns a panic into a result: Fluent Bit gives the chunk again.
func (f *flush) guard() {
	if r := recover(); r != nil {
		panicked(r)
		f.end(output.FLB_RETRY)
	}
}
