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

// intake is where the flushes of an instance come to Go, and come again when
// there is news for them. One goroutine looks after all of them.
type intake struct {
	instance *instance
	bell     *os.File // readable when a flush came

	mu    sync.Mutex
	woken []*flush
	spare []*flush // what woken was before, to be used again
	done  chan struct{}
}

// flush is one that is suspended in Fluent Bit's event loop until its chunk
// has a result. It implements [plugin.Waker].
type flush struct {
	of    *intake
	wait  *C.struct_sls_wait // nil: it has its result, and may be gone
	chunk *plugin.Chunk
	woken bool // among of.woken
}

func openIntake(i *instance, fd C.int) *intake {
	n := &intake{instance: i, bell: os.NewFile(uintptr(fd), "intake"), done: make(chan struct{})}
	return n
}

// serve looks after the flushes until the intake is closed.
func (n *intake) serve(from *C.struct_sls_intake) {
	defer close(n.done)
	var count [8]byte
	var taken [256]*C.struct_sls_wait
	for {
		if _, err := n.bell.Read(count[:]); err != nil {
			return
		}
		for {
			got := C.sls_intake_take(from, &taken[0], C.size_t(len(taken)))
			for _, w := range taken[:got] {
				f := &flush{of: n, wait: w}
				f.begin()
			}
			for _, f := range n.takeWoken() {
				f.advance()
			}
			if int(got) < len(taken) {
				break
			}
		}
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
	n.woken, n.spare = n.spare[:0], woken
	for _, f := range woken {
		f.woken = false
	}
	return woken
}

func (f *flush) begin() {
	defer f.guard()
	w := f.wait
	f.chunk = f.of.instance.out.Submit(C.GoString(w.tag), f.data(), f, w.worker != 0)
	f.advance()
}

// data is Fluent Bit's, which keeps it until the flush has its result.
func (f *flush) data() []byte { return unsafe.Slice((*byte)(f.wait.data), int(f.wait.size)) }

// advance moves the chunk on and ends the flush if the chunk has its result.
func (f *flush) advance() {
	defer f.guard()
	if f.wait == nil {
		return
	}
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
