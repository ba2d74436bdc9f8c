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

// logger is Fluent Bit's logger of one output instance. Its pointers are Fluent
// Bit's, and valid until the instance's exit.
type logger struct {
	api *C.struct_flb_api
	ins unsafe.Pointer // struct flb_output_instance
}

// newLogger returns the logger of the instance that is initialised, or nil where
// Fluent Bit has none for plugins: before 2.0.
func newLogger(p unsafe.Pointer) plugin.Logger {
	of := (*C.struct_flbgo_output_plugin)(p)
	if C.sls_has_log() == 0 || of.api == nil {
		return nil
	}
	return &logger{of.api, of.o_ins}
}

// Print writes a line. The calling thread must be Fluent Bit's.
func (l *logger) Print(level plugin.Level, line string) {
	text := C.CString(line)
	defer C.free(unsafe.Pointer(text))
	C.sls_log_print(l.api, C.int(level), text)
}

// Level is the most verbose level that the instance's log_level shows.
func (l *logger) Level() plugin.Level {
	for level := plugin.LevelDebug; level > plugin.LevelError; level-- {
		if C.sls_log_check(l.api, l.ins, C.int(level)) != 0 {
			return level
		}
	}
	return plugin.LevelError
}

// stopping tells whether the process was signalled to stop. Where Fluent Bit does
// not show it, the answer is always no.
func stopping() bool { return C.sls_stopping() != 0 }

func setContext(p, context unsafe.Pointer) {
	C.sls_set_context((*C.struct_flbgo_output_plugin)(p), context)
}
