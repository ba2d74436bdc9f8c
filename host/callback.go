package host

/*
#include "flush.h"
*/
import "C"

import (
	"runtime/cgo"

	"github.com/fluent/fluent-bit-go/output"
)

// slsEncodePending submits the chunks of flushes that are suspended, and encodes those
// for which there is room. It returns 1 where there are more.
//
//export slsEncodePending
func slsEncodePending(handle C.uintptr_t) (more C.int) {
	defer guard(nil, 0)
	if cgo.Handle(handle).Value().(*instance).intake.serveSome() {
		return 1
	}
	return 0
}

// slsAdvanceBlocking moves the chunk of a flush that blocks on, as far as it goes
// without waiting, and returns its result. Any but SLS_PENDING ends the flush.
//
//export slsAdvanceBlocking
func slsAdvanceBlocking(handle C.uintptr_t, w *C.struct_sls_flush) (result C.int) {
	defer guard(nil, 0)
	result = output.FLB_RETRY // if anything panics
	i := cgo.Handle(handle).Value().(*instance)
	defer i.log.Drain()
	result = C.int(i.advanceBlocking(w))
	return result
}

// slsDetachBlocking ends a flush that blocks and whose chunk is still on its way.
//
//export slsDetachBlocking
func slsDetachBlocking(w *C.struct_sls_flush) {
	defer guard(nil, 0)
	detachBlocking(w)
}

// slsDrainLog hands over the lines that wait for a thread of Fluent Bit.
//
//export slsDrainLog
func slsDrainLog(handle C.uintptr_t) {
	defer guard(nil, 0)
	cgo.Handle(handle).Value().(*instance).log.Drain()
}
