package host

/*
#include "flush.h"
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"
)

// slsInit is FLBPluginInit in the process that loaded the plugin: see process.c.
//
//export slsInit
func slsInit(section *C.struct_flbgo_output_plugin) C.int {
	return C.int(initSection(unsafe.Pointer(section)))
}

// slsExit is FLBPluginExitCtx there.
//
//export slsExit
func slsExit(context unsafe.Pointer) C.int { return C.int(exitSection(context)) }

// slsUnregister is FLBPluginUnregister there: it frees what Register allocated.
//
//export slsUnregister
func slsUnregister(def unsafe.Pointer) {
	defer guard(nil, 0)
	live.unregistered(def)
	output.FLBPluginUnregister(def)
}

// slsEncodePending submits flushes and encodes their chunks, as far as there is
// room: those that wait in the submission queue, and those of the event loop of
// notifier, on whose thread it is called. direct are new ones of that loop. It
// returns 1 if more are pending.
//
//export slsEncodePending
func slsEncodePending(handle C.uintptr_t, notifier *C.struct_sls_notifier, direct *C.struct_sls_flush) (more C.int) {
	defer guard(nil, 0)
	i := instanceOf(handle)
	defer i.guard()
	if i.queue.encodeSome(notifier, direct) {
		return 1
	}
	return 0
}

// slsAdvanceBlocking submits the chunk of a blocking flush in the first call,
// advances it without waiting, and returns its result. Any result but SLS_PENDING
// ends the flush. A panic ends it with FLB_RETRY.
//
//export slsAdvanceBlocking
func slsAdvanceBlocking(handle C.uintptr_t, c *C.struct_sls_flush) (result C.int) {
	defer guard(nil, 0)
	result = output.FLB_RETRY
	i := instanceOf(handle)
	defer i.log.Drain()
	defer i.guard()
	result = C.int(i.advanceBlocking(c))
	return result
}

// slsDetachBlocking ends a blocking flush whose chunk has no result.
//
//export slsDetachBlocking
func slsDetachBlocking(handle C.uintptr_t, c *C.struct_sls_flush) {
	defer guard(nil, 0)
	defer instanceOf(handle).guard()
	detachBlocking(c)
}

// slsDrainLog hands the waiting lines of the log to Fluent Bit. The calling thread
// is Fluent Bit's.
//
//export slsDrainLog
func slsDrainLog(handle C.uintptr_t) {
	defer guard(nil, 0)
	i := instanceOf(handle)
	defer i.guard()
	i.log.Drain()
}

// instanceOf is the instance of a handle. It panics if the handle is not valid.
func instanceOf(handle C.uintptr_t) *instance { return cgo.Handle(handle).Value().(*instance) }
