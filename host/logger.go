package host

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

// What Fluent Bit hands to FLBPluginInit, unchanged from 1.8 to 5.1.1.
// Source: Fluent Bit, src/proxy/go/go.h.
struct sls_instance {
    char *name;
    struct sls_api *api;
    void *o_ins;
    struct { void *remote; } *context;
};

// struct flb_api since 2.0.0; before, output_get_property was all of it.
// Source: Fluent Bit, include/fluent-bit/flb_api.h.
struct sls_api {
    const char *(*output_get_property)(const char *, void *);
    const char *(*input_get_property)(const char *, void *);
    void *(*output_get_cmt_instance)(void *);
    void *(*input_get_cmt_instance)(void *);
    void (*log_print)(int, const char *, int, const char *, ...);
    int (*input_log_check)(void *, int);
    int (*output_log_check)(void *, int);
};

static int sls_has_log(void)
{
    return dlsym(RTLD_DEFAULT, "flb_output_log_check") != NULL;
}

static int sls_log_check(struct sls_api *api, void *o_ins, int level)
{
    return api->output_log_check(o_ins, level);
}

// The text is an argument, never the format: it may hold a percent sign.
static void sls_log_print(struct sls_api *api, int level, const char *text)
{
    api->log_print(level, NULL, 0, "%s", text);
}

static void sls_set_context(struct sls_instance *p, void *context)
{
    p->context->remote = context;
}

// Set by Fluent Bit's signal handler (src/fluent-bit.c); nothing else tells a
// plugin that the process is about to stop.
static volatile sig_atomic_t *sls_exit_signal(void)
{
    return dlsym(RTLD_DEFAULT, "exit_signal");
}

static int sls_signalled(volatile sig_atomic_t *signal)
{
    return signal != NULL && *signal != 0;
}
*/
import "C"

import (
	"unsafe"

	"out_sls_kafka/plugin"
)

// hostLog is Fluent Bit's logger for one output instance. Its pointers are the
// host's and stay valid until the instance's exit.
type hostLog struct {
	api      *C.struct_sls_api
	instance unsafe.Pointer
}

// newHostLog returns the logger of an instance, or nil where the host has none
// for Go plugins: Fluent Bit before 2.0.
func newHostLog(p unsafe.Pointer) plugin.Logger {
	instance := (*C.struct_sls_instance)(p)
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

// stopping returns a function that tells whether the process was signalled to
// stop. Where the host does not show it, the answer is always no.
func stopping() func() bool {
	signal := C.sls_exit_signal()
	return func() bool { return C.sls_signalled(signal) != 0 }
}

// instanceOf is the host's struct flb_output_instance.
func instanceOf(p unsafe.Pointer) unsafe.Pointer { return (*C.struct_sls_instance)(p).o_ins }

func setContext(p, context unsafe.Pointer) {
	C.sls_set_context((*C.struct_sls_instance)(p), context)
}
