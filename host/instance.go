package host

/*
#include <stdlib.h>
#include "flush.h"
#include "notifier.h"
#include "queue.h"
*/
import "C"

import (
	"runtime/cgo"
	"sync"
	"unsafe"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
)

// instance is one [OUTPUT] section: its output, and the flushes that wait.
type instance struct {
	cfg    *config.Config
	out    *plugin.Output
	log    *plugin.Log
	intake *intake   // nil: no flush is suspended
	blocks sync.Once // the warning that flushes block
}

func newInstance(cfg *config.Config, out *plugin.Output, log *plugin.Log) *instance {
	return &instance{cfg: cfg, out: out, log: log}
}

// remote makes what the host keeps of the instance.
func (i *instance) remote() unsafe.Pointer {
	r := (*C.struct_sls_output)(C.calloc(1, C.sizeof_struct_sls_output)) // aborts where there is no memory
	r.handle = C.uintptr_t(cgo.NewHandle(i))
	r.flush_timeout_ms = C.int64_t(i.cfg.FlushTimeout.Milliseconds())
	r.engine_thread = C.pthread_self() // Init runs on the engine's
	if i.cfg.FlushMode == config.FlushAuto {
		i.open(r)
	}
	return unsafe.Pointer(r)
}

// open makes what suspended flushes need.
func (i *instance) open(r *C.struct_sls_output) {
	if r.queue = C.sls_queue_create(C.int64_t(i.cfg.Linger)); r.queue == nil {
		i.warnBlocking("no descriptor is left")
		return
	}
	r.notifiers = C.sls_notifiers_create(r)
	i.intake = openIntake(i, r.queue)
	go i.intake.serve()
	i.log.OnPending(func() { C.sls_notifiers_drain_log(r.notifiers) })
}

// endRemote ends an instance and frees what the host kept of it. The host may
// leave coroutines suspended for good when it exits; should one still be
// woken, because a goroutine hangs, what it needs for that is left alone.
func endRemote(r *C.struct_sls_output) {
	handle := cgo.Handle(r.handle)
	i := handle.Value().(*instance)
	if i.intake != nil {
		i.intake.close() // what waits for room stays with Fluent Bit
	}
	ended := i.out.Close()
	i.log.OnPending(nil)
	i.log.Drain()
	if !ended {
		return
	}
	handle.Delete()
	if r.notifiers != nil {
		C.sls_notifiers_destroy(r.notifiers)
	}
	if r.queue != nil {
		C.sls_queue_destroy(r.queue)
	}
	C.free(unsafe.Pointer(r))
}

// warnBlocking says once that flushes block, and why.
func (i *instance) warnBlocking(reason string) {
	i.blocks.Do(func() {
		i.log.Warnf("this Fluent Bit does not let a flush wait in its event loop (%s): each holds its thread for up to flush_timeout %v; set workers 2 or more, so that nothing else waits",
			reason, i.cfg.FlushTimeout)
	})
}
