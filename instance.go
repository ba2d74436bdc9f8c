package main

/*
#include <stdlib.h>
#include "flush.h"
*/
import "C"

import (
	"runtime/cgo"
	"sync"
	"syscall"
	"unsafe"

	"out_sls_kafka/plugin"
)

// instance is one [OUTPUT] section: its output, and the chunks that wait.
type instance struct {
	cfg    *plugin.Config
	out    *plugin.Output
	log    *plugin.Log
	thread int // the one that initialised us: the engine's, not a worker's
	blocks sync.Once

	mu     sync.Mutex
	chunks []*plugin.Chunk // by number
	free   []int           // numbers not in use
}

func newInstance(cfg *plugin.Config, out *plugin.Output, log *plugin.Log) *instance {
	return &instance{cfg: cfg, out: out, log: log, thread: syscall.Gettid()}
}

// remote makes what the host keeps of the instance.
func (i *instance) remote() unsafe.Pointer {
	r := (*C.struct_sls_remote)(C.calloc(1, C.sizeof_struct_sls_remote)) // aborts where there is no memory
	r.instance = C.uintptr_t(cgo.NewHandle(i))
	r.limit_ms = C.int64_t(i.cfg.FlushTimeout.Milliseconds())
	if i.cfg.FlushMode == plugin.FlushAuto {
		r.bells = C.sls_bells_create()
	}
	return unsafe.Pointer(r)
}

// endRemote ends an instance and frees what the host kept of it. The host may
// leave coroutines suspended for good when it exits; should one still be
// woken, because a goroutine hangs, what it needs for that is left alone.
func endRemote(r *C.struct_sls_remote) {
	handle := cgo.Handle(r.instance)
	i := handle.Value().(*instance)
	ended := i.out.Close()
	i.log.Drain()
	handle.Delete()
	if !ended {
		return
	}
	if r.bells != nil {
		C.sls_bells_destroy(r.bells)
	}
	C.free(unsafe.Pointer(r))
}

// onWorker tells whether the calling thread is a worker of the host.
func (i *instance) onWorker() bool { return syscall.Gettid() != i.thread }

// keep gives a chunk that waits the number by which its flush knows it.
func (i *instance) keep(c *plugin.Chunk) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if last := len(i.free) - 1; last >= 0 {
		n := i.free[last]
		i.free = i.free[:last]
		i.chunks[n] = c
		return n
	}
	i.chunks = append(i.chunks, c)
	return len(i.chunks) - 1
}

func (i *instance) chunk(n int) *plugin.Chunk {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.chunks[n]
}

func (i *instance) drop(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.chunks[n] = nil
	i.free = append(i.free, n)
}

// warnBlocking says once that flushes block, and why.
func (i *instance) warnBlocking(reason string) {
	i.blocks.Do(func() {
		i.log.Warnf("this Fluent Bit does not let a flush wait in its event loop (%s): each holds its thread for up to flush_timeout %v; set workers 2 or more, so that nothing else waits",
			reason, i.cfg.FlushTimeout)
	})
}

// waker wakes the flush that waits, in C.
type waker struct{ wait *C.struct_sls_wait }

// Wake implements [plugin.Waker].
func (w waker) Wake() { C.sls_wake(w.wait) }
