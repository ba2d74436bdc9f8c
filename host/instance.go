package host

/*
#include <stdlib.h>
#include "flush.h"
#include "notifier.h"
#include "queue.h"
*/
import "C"

import (
	"errors"
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
	c     *C.struct_sls_output

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

var errNoMemory = errors.New("no memory is left")

// open makes what the host keeps of the instance. From then on Fluent Bit's event
// loop takes the lines of the log. The calling thread is that of Init.
func (i *instance) open() error {
	c := (*C.struct_sls_output)(C.calloc(1, C.sizeof_struct_sls_output))
	if c == nil {
		return errNoMemory
	}
	if c.notifiers = C.sls_notifiers_create(c); c.notifiers == nil {
		C.free(unsafe.Pointer(c))
		return errNoMemory
	}
	i.c = c
	c.handle = C.uintptr_t(cgo.NewHandle(i))
	c.flush_timeout_ms = C.int64_t(i.cfg.FlushTimeout.Milliseconds())
	c.engine_thread = C.pthread_t(i.engine)
	if C.sls_has_log() != 0 && C.sls_notifiers_take_log(c.notifiers) != 0 {
		i.log.Notify(func() { C.sls_notifiers_drain_log(c.notifiers) })
	}
	if i.cfg.FlushMode != config.FlushAuto {
		return nil
	}
	if c.queue = C.sls_queue_create(C.int64_t(i.cfg.Linger)); c.queue == nil {
		i.warnBlocking("no descriptor is left")
		return nil
	}
	i.queue = openQueue(i, c.queue)
	return nil
}

// free frees what open made. Event loops do not use it any more, even if it is kept.
// Fluent Bit may leave coroutines suspended permanently when it exits. If a goroutine
// hangs, it may complete such a flush later, which needs the handle, the notifiers and
// the queue: nothing is freed then.
func (i *instance) free(ended bool) {
	i.log.Close()
	C.sls_notifiers_unregister(i.c.notifiers)
	if !ended {
		return
	}
	cgo.Handle(i.c.handle).Delete()
	C.sls_notifiers_destroy(i.c.notifiers)
	if i.c.queue != nil {
		C.sls_queue_destroy(i.c.queue)
	}
	C.free(unsafe.Pointer(i.c))
}

// end ends the instance. The calling thread is the engine's.
func (i *instance) end() {
	defer i.guard()
	ended := i.queue == nil || i.queue.close() // chunks that wait for room stay with Fluent Bit
	i.free(i.out.Close() && ended)
}

// warnBlocking logs once that flushes block, and why.
func (i *instance) warnBlocking(reason string) {
	i.blockingWarning.Do(func() {
		i.log.Warnf("this Fluent Bit does not let a flush wait in its event loop (%s): each holds its thread for up to flush_timeout %v; set workers 2 or more, so that nothing else waits",
			reason, i.cfg.FlushTimeout)
	})
}
