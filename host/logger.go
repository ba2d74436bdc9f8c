package host

/*
#include <stdlib.h>
#include "fluentbit.h"
*/
import "C"

import (
	"unsafe"

	"out_sls_kafka/plugin"
)

// hostLog is Fluent Bit's logger for one output instance. Its pointers are the
// host's and stay valid until the instance's exit.
type hostLog struct {
	api      *C.struct_flb_api
	instance unsafe.Pointer
}

// newHostLog returns the logger of an instance, or nil where the host has none
// for Go plugins: Fluent Bit before 2.0.
func newHostLog(p unsafe.Pointer) plugin.Logger {
	instance := (*C.struct_flbgo_output_plugin)(p)
	if C.sls_has_log() == 0 || instance.api == nil {
		return nil
	}
	return &hostLog{instance.api, instance.o_ins}
}

// Print writes a line. It must run on a thread of Fluent Bit.
func (h *hostLog) Print(level plugin.Level, line string) {
	text := C.CString(line)
	defer C.free(unsafe.Pointer(text))
	C.sls_log_print(h.api, C.int(level), text)
}

// Level is the most verbose level the instance's log_level shows.
func (h *hostLog) Level() plugin.Level {
	for level := plugin.LevelDebug; level > plugin.LevelError; level-- {
		if C.sls_log_check(h.api, h.instance, C.int(level)) != 0 {
			return level
		}
	}
	return plugin.LevelError
}

// stopping tells whether the process was signalled to stop. Where the host does
// not show it, the answer is always no.
func stopping() bool { return C.sls_stopping() != 0 }

// instanceOf is the host's struct flb_output_instance.
func instanceOf(p unsafe.Pointer) unsafe.Pointer { return (*C.struct_flbgo_output_plugin)(p).o_ins }

func setContext(p, context unsafe.Pointer) {
	C.sls_set_context((*C.struct_flbgo_output_plugin)(p), context)
}
