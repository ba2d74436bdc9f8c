// Package host connects Fluent Bit with package plugin: the functions that Fluent
// Bit calls, its event loops and coroutines, its logger and its metrics. What it
// assumes about Fluent Bit is in fluentbit.h.
package host

/*
#cgo LDFLAGS: -ldl
#include "flush.h"
*/
import "C"

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
)

const (
	name        = "sls_kafka"
	description = "Alibaba Cloud Simple Log Service (SLS) over Kafka"
)

// Register tells Fluent Bit the name and kind of the plugin, and returns the result
// of FLBPluginRegister. A process calls it again for each reload.
func Register(def unsafe.Pointer) (ret int32) {
	defer guard(&ret, -1)
	ret = int32(output.FLBPluginRegister(def, name, description))
	C.sls_register_kinds(def)
	live.registered(def)
	return ret
}

// Version is that of the plugin, which the build tells.
var Version string

// initSection starts the output of one [OUTPUT] section, and returns the result of
// FLBPluginInit. It logs every fault of the configuration before it fails.
func initSection(p unsafe.Pointer) (ret int32) {
	defer guard(&ret, output.FLB_ERROR)
	i := start(p)
	if i == nil {
		return output.FLB_ERROR
	}
	live.add(unsafe.Pointer(i.c), i)
	setContext(p, unsafe.Pointer(i.c))
	return output.FLB_OK
}

// start starts an instance. It returns nil, and has logged why, where that fails.
func start(p unsafe.Pointer) *instance {
	log := newLog(p)
	defer log.Drain()
	defer func() {
		if r := recover(); r != nil {
			logPanic(log, r)
		}
	}()
	src := config.Source{
		Property: func(key string) string { return output.FLBPluginConfigKey(p, key) },
		Getenv:   os.Getenv,
	}
	cfg, warnings, err := config.Parse(src)
	for _, w := range warnings {
		log.Warnf("%s", w)
	}
	if faults, ok := errors.AsType[config.Faults](err); ok {
		for _, f := range faults {
			log.Errorf("%v", f)
		}
		return nil
	}
	i := newInstance(cfg, log)
	if err := i.open(); err != nil {
		log.Errorf("%v", err)
		return nil
	}
	if i.out, err = plugin.New(cfg, plugin.Env{Log: log, Stopping: stopping, Leaving: leaving(), Ending: i.ending, Holding: &live.holding, Metrics: newMetricSink(p), Version: Version}); err != nil {
		log.Errorf("%v", err)
		i.queue.discard()
		i.free(true)
		return nil
	}
	if i.queue != nil {
		go i.queue.run()
	}
	log.Infof("version %s, project %s, logstore %s, endpoint %s", Version, cfg.Project, cfg.Logstore, strings.Join(cfg.Endpoints, ", "))
	return i
}

// leaving returns a function that tells whether the instances that start now end soon. A
// reload registers the plugin once more while they run, and waits until no chunk is left;
// or gives the registration up.
func leaving() func() bool {
	generation := live.generation()
	return func() bool { return stopping() || live.isReplaced(generation) }
}

// exitSection ends the output of one section, and returns the result of
// FLBPluginExitCtx. The context of an instance that has ended is not looked at.
func exitSection(context unsafe.Pointer) (ret int32) {
	defer guard(&ret, output.FLB_OK)
	if i := live.take(context); i != nil {
		i.end()
	}
	return output.FLB_OK
}

// guard, deferred, turns a panic into a result. A panic that leaves an exported
// function ends the process of Fluent Bit. Where the instance is known,
// [instance.guard] comes first.
func guard(ret *int32, onPanic int32) {
	if r := recover(); r != nil {
		plugin.WriteStderr(plugin.PanicText("[output:"+name+"] ", r, debug.Stack()) + "\n")
		if ret != nil {
			*ret = onPanic
		}
	}
}

// guard, deferred, keeps a panic from ending the process, and logs it.
func (i *instance) guard() {
	if r := recover(); r != nil {
		logPanic(i.log, r)
	}
}

func logPanic(log *plugin.Log, cause any) {
	log.Panicked(cause, debug.Stack())
}

// The Go runtime of this shared object runs nothing but outputs. Collecting garbage
// at half of the usual amount keeps a node's memory small, at no measurable cost.
// GOGC in the environment takes precedence.
func init() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}
