package main

/*
#include "flush.h"
*/
import "C"

import (
	"encoding/binary"
	"os"
	"sync"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
)

// intake is where the flushes of an instance come to Go, unless their chunks
// are large, and where all come again when there is news for them. One
// goroutine looks after them.
type intake struct {
	instance *instance
	bell     *os.File // readable when a flush came

	mu    sync.Mutex
	woken []*flush
	done  chan struct{}
}

// flush is one that is suspended in Fluent Bit's event loop until its chunk
// has a result. It implements [plugin.Waker].
type flush struct {
	of    *intake
	woken bool // among of.woken, whose lock guards it

	mu    sync.Mutex         // held while the chunk is advanced
	wait  *C.struct_sls_wait // nil: it has its result, and may be gone
	chunk *plugin.Chunk
}

func openIntake(i *instance, fd C.int) *intake {
	return &intake{instance: i, bell: os.NewFile(uintptr(fd), "intake"), done: make(chan struct{})}
}

// serve looks after the flushes until the intake is closed.
func (n *intake) serve(from *C.struct_sls_intake) {
	defer close(n.done)
	defer guard(nil, 0)
	var count [8]byte
	var taken [256]*C.struct_sls_wait
	for {
		if _, err := n.bell.Read(count[:]); err != nil {
			return
		}
		for {
			got := C.sls_intake_take(from, &taken[0], C.size_t(len(taken)))
			n.begin(taken[:got])
			for _, f := range n.takeWoken() {
				f.advance()
			}
			if int(got) < len(taken) {
				break
			}
		}
	}
}

// begin submits the chunks of flushes, and encodes those for which there is room.
func (n *intake) begin(waits []*C.struct_sls_wait) {
	for _, w := range waits {
		f := &flush{of: n, wait: w}
		f.begin()
	}
}

// close ends serve. What it looked after stays suspended.
func (n *intake) close() {
	_ = n.bell.Close() // it is an eventfd: nothing can be left to write
	<-n.done
}

// Wake asks serve to advance the flush's chunk.
func (f *flush) Wake() {
	n := f.of
	n.mu.Lock()
	first := len(n.woken) == 0
	if !f.woken {
		f.woken = true
		n.woken = append(n.woken, f)
	}
	n.mu.Unlock()
	if first {
		_, _ = n.bell.Write(binary.NativeEndian.AppendUint64(nil, 1)) // fails only when closed
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

func (f *flush) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.guard()
	f.chunk = f.of.instance.out.Submit(C.GoString(f.wait.tag), f.data(), f, f.wait.worker != 0)
	f.step()
}

// data is Fluent Bit's, which keeps it until the flush has its result.
func (f *flush) data() []byte { return unsafe.Slice((*byte)(f.wait.data), int(f.wait.size)) }

// advance moves the chunk on and ends the flush if the chunk has its result.
func (f *flush) advance() {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.guard()
	if f.wait != nil {
		f.step()
	}
}

func (f *flush) step() {
	if r := f.chunk.Advance(f.data()); r != plugin.Pending {
		f.end(C.int(r))
	}
}

func (f *flush) end(result C.int) {
	w := f.wait
	f.wait = nil
	w.result = result
	C.sls_answer(w)
}

// guard, deferred, turns a panic into a result: Fluent Bit gives the chunk again.
func (f *flush) guard() {
	if r := recover(); r != nil {
		panicked(r)
		if f.wait != nil {
			f.end(output.FLB_RETRY)
		}
	}
}
