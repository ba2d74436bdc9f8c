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

// logger is Fluent Bit's logger of one output instance. The pointer is Fluent Bit's,
// and valid until the instance's exit.
type logger struct {
	ins unsafe.Pointer // struct flb_output_instance
}

// newLog returns the log of the instance that is initialised. Its lines begin as
// those of Fluent Bit's own outputs do, with the alias or the number of the output.
func newLog(p unsafe.Pointer) *plugin.Log {
	ins := (*C.struct_flbgo_output_plugin)(p).o_ins
	of := name
	if instance := C.sls_output_name(ins); instance != nil {
		of += ":" + C.GoString(instance)
	}
	if C.sls_has_log() == 0 {
		return plugin.NewLog(nil, of)
	}
	return plugin.NewLog(&logger{ins}, of)
}

// Print writes a line. The calling thread must be Fluent Bit's.
func (l *logger) Print(level plugin.Level, line string) {
	text := C.CString(line)
	defer C.free(unsafe.Pointer(text))
	C.sls_log_print(C.int(level), text)
}

// Level is the most verbose level that the instance's log_level shows.
func (l *logger) Level() plugin.Level {
	level := plugin.LevelDebug
	for level > plugin.LevelOff && C.sls_log_check(l.ins, C.int(level)) == 0 {
		level--
	}
	return level
}

// stopping tells whether the process was signalled to stop. Where Fluent Bit does
// not show it, the answer is always no.
func stopping() bool { return C.sls_stopping() != 0 }

func setContext(p, context unsafe.Pointer) {
	C.sls_set_context((*C.struct_flbgo_output_plugin)(p), context)
}
