package host

/*
#cgo nocallback sls_intake_hurry
#include "flush.h"
*/
import "C"

import (
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
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
	from     *C.struct_sls_intake
	timer    *os.File // readable when there is something to do
	done     chan struct{}

	mu     sync.Mutex
	closed bool
	come   []*C.struct_sls_wait // those not begun yet, in their order
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

func openIntake(i *instance, from *C.struct_sls_intake) *intake {
	return &intake{instance: i, from: from, timer: os.NewFile(uintptr(from.begun.fd), "intake"), done: make(chan struct{})}
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
	rearm(&n.from.begun)
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
func (n *intake) take(most int, mostBytes C.size_t) (taken []*C.struct_sls_wait, more bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.come = takeOver(&n.from.begun, n.come)
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
	_ = n.timer.Close() // nothing can be left to write
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
