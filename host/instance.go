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

// instance is one [OUTPUT] section: its output, and its flushes.
type instance struct {
	cfg   *config.Config
	out   *plugin.Output
	log   *plugin.Log
	queue *queue // nil: every flush blocks

	engine uintptr // thread that Init runs on
	ending *plugin.Ending

	blockingWarning sync.Once
}

// newInstance makes an instance without an output. The calling thread is that of Init.
func newInstance(cfg *config.Config, log *plugin.Log) *instance {
	i := &instance{cfg: cfg, log: log, engine: uintptr(C.pthread_self())}
	var first bool
	if i.ending, first = live.ending(i.engine); !first && C.sls_exits_each_output() == 0 {
		log.Warnf("this Fluent Bit is older than 2.1; before 2.0.7 it may crash when it ends with two outputs of this plugin (fluent/fluent-bit#6469): use a newer one, or one output")
	}
	return i
}

// context makes what the host keeps of the instance, and hands to each flush and to
// FLBPluginExitCtx: a struct sls_output.
func (i *instance) context() unsafe.Pointer {
	c := (*C.struct_sls_output)(C.calloc(1, C.sizeof_struct_sls_output)) // aborts if no memory is left
	c.handle = C.uintptr_t(cgo.NewHandle(i))
	c.flush_timeout_ms = C.int64_t(i.cfg.FlushTimeout.Milliseconds())
	c.engine_thread = C.pthread_t(i.engine)
	if i.cfg.FlushMode == config.FlushAuto {
		i.allowSuspending(c)
	}
	return unsafe.Pointer(c)
}

// allowSuspending makes the submission queue and the notifiers.
func (i *instance) allowSuspending(c *C.struct_sls_output) {
	if c.queue = C.sls_queue_create(C.int64_t(i.cfg.Linger)); c.queue == nil {
		i.warnBlocking("no descriptor is left")
		return
	}
	c.notifiers = C.sls_notifiers_create(c)
	i.queue = openQueue(i, c.queue)
	go i.queue.run()
	i.log.OnPending(func() { C.sls_notifiers_drain_log(c.notifiers) })
}

// end ends the instance and frees c, what the host kept of it. The host may leave
// coroutines suspended permanently when it exits. If a goroutine hangs, it may
// complete such a flush later, which needs the handle, the notifiers and the queue:
// nothing is freed then.
func (i *instance) end(c *C.struct_sls_output) {
	if i.queue != nil {
		i.queue.close() // chunks that wait for room stay with Fluent Bit
	}
	ended := i.out.Close()
	i.log.OnPending(nil)
	i.log.Drain()
	if !ended {
		return
	}
	cgo.Handle(c.handle).Delete()
	if c.notifiers != nil {
		C.sls_notifiers_destroy(c.notifiers)
	}
	if c.queue != nil {
		C.sls_queue_destroy(c.queue)
	}
	C.free(unsafe.Pointer(c))
}

// warnBlocking logs once that flushes block, and why.
func (i *instance) warnBlocking(reason string) {
	i.blockingWarning.Do(func() {
		i.log.Warnf("this Fluent Bit does not let a flush wait in its event loop (%s): each holds its thread for up to flush_timeout %v; set workers 2 or more, so that nothing else waits",
			reason, i.cfg.FlushTimeout)
	})
}
