package host

/*
#include "flush.h"
*/
import "C"

import (
	"runtime/cgo"

	"github.com/fluent/fluent-bit-go/output"
)

// slsEncodePending submits flushes that wait in the submission queue, and encodes
// those for which there is room. It returns 1 if more are pending. The calling
// thread is that of an event loop.
//
//export slsEncodePending
func slsEncodePending(handle C.uintptr_t) (more C.int) {
	defer guard(nil, 0)
	if instanceOf(handle).queue.encodeSome() {
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
	result = C.int(i.advanceBlocking(c))
	return result
}

// slsDetachBlocking ends a blocking flush whose chunk has no result.
//
//export slsDetachBlocking
func slsDetachBlocking(c *C.struct_sls_flush) {
	defer guard(nil, 0)
	detachBlocking(c)
}

// slsDrainLog hands the waiting lines of the log to Fluent Bit. The calling thread
// is Fluent Bit's.
//
//export slsDrainLog
func slsDrainLog(handle C.uintptr_t) {
	defer guard(nil, 0)
	instanceOf(handle).log.Drain()
}

// instanceOf is the instance of a handle. It panics if the handle is not valid.
func instanceOf(handle C.uintptr_t) *instance { return cgo.Handle(handle).Value().(*instance) }
