package host

/*
#include "flush.h"
*/
import "C"

import "runtime/cgo"

// slsBegin submits the chunks of flushes that are suspended, and encodes those
// for which there is room. It returns 1 where there are more.
//
//export slsBegin
func slsBegin(handle C.uintptr_t) (more C.int) {
	defer guard(nil, 0)
	if cgo.Handle(handle).Value().(*instance).intake.serveSome() {
		return 1
	}
	return 0
}

// slsWork moves the chunk of a flush that blocks on, as far as it goes without
// waiting, and sets its result.
//
//export slsWork
func slsWork(handle C.uintptr_t, w *C.struct_sls_wait) {
	defer guard(nil, 0)
	cgo.Handle(handle).Value().(*instance).work(w)
}

// slsLog hands over the lines that wait for a thread of Fluent Bit.
//
//export slsLog
func slsLog(handle C.uintptr_t) {
	defer guard(nil, 0)
	cgo.Handle(handle).Value().(*instance).log.Drain()
}

// slsAbandon ends the wait of a flush that blocks for a chunk that is still on
// its way.
//
//export slsAbandon
func slsAbandon(handle C.uintptr_t, w *C.struct_sls_wait) {
	defer guard(nil, 0)
	cgo.Handle(handle).Value().(*instance).abandon(w)
}
