// Command out_sls_kafka is a shared object that Fluent Bit loads as an output:
// it delivers log records to Alibaba Cloud Simple Log Service (SLS) through
// its Kafka-compatible endpoint. This file has the functions Fluent Bit calls;
// what they do is in package plugin, and FLBPluginFlushCtx is in flush.c.
package main

/*
#include "flush.h"
#include "register.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime/cgo"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"

	"out_sls_kafka/plugin"
)

const (
	name        = "sls_kafka"
	description = "Alibaba Cloud Simple Log Service (SLS) over Kafka"
)

// version is set by the build.
var version = "dev"

// FLBPluginPreRegister is called after loading; hot is 1 in a hot reload. There
// is nothing to prepare: all state belongs to an instance.
//
//export FLBPluginPreRegister
func FLBPluginPreRegister(hot C.int) C.int { return 0 }

// FLBPluginRegister tells the host name and kind of the plugin. It may be
// called several times in one process.
//
//export FLBPluginRegister
func FLBPluginRegister(def unsafe.Pointer) (ret C.int) {
	defer guard(&ret, -1)
	ret = C.int(output.FLBPluginRegister(def, name, description))
	C.sls_register_metrics(def)
	return ret
}

// FLBPluginUnregister frees what FLBPluginRegister made.
//
//export FLBPluginUnregister
func FLBPluginUnregister(def unsafe.Pointer) {
	defer guard(nil, 0)
	output.FLBPluginUnregister(def)
}

// FLBPluginInit starts the output of one [OUTPUT] section. Every fault of the
// configuration is logged before it fails.
//
//export FLBPluginInit
func FLBPluginInit(p unsafe.Pointer) (ret C.int) {
	defer guard(&ret, output.FLB_ERROR)
	instance, err := start(p)
	if err != nil {
		return output.FLB_ERROR
	}
	setContext(p, instance.remote())
	return output.FLB_OK
}

func start(p unsafe.Pointer) (*instance, error) {
	log := plugin.NewLog(newHostLog(p), name)
	defer log.Drain()
	src := plugin.Source{
		Property: func(key string) string { return output.FLBPluginConfigKey(p, key) },
		Getenv:   os.Getenv,
	}
	cfg, warnings, err := plugin.Parse(src)
	for _, w := range warnings {
		log.Warnf("%s", w)
	}
	if faults, ok := errors.AsType[plugin.Faults](err); ok {
		for _, f := range faults {
			log.Errorf("%v", f)
		}
		return nil, err
	}
	out, err := plugin.New(cfg, plugin.Surroundings{Log: log, Stopping: stopping(), Meter: newHostMeter(p)})
	if err != nil {
		log.Errorf("%v", err)
		return nil, err
	}
	log.Infof("version %s, project %s, logstore %s, endpoint %s", version, cfg.Project, cfg.Logstore, strings.Join(cfg.Endpoints, ", "))
	return newInstance(cfg, out, log), nil
}

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

// FLBPluginExitCtx ends the output of one section. The host calls it with NULL
// for sections it never initialised.
//
//export FLBPluginExitCtx
func FLBPluginExitCtx(remote unsafe.Pointer) (ret C.int) {
	defer guard(&ret, output.FLB_OK)
	if remote != nil {
		endRemote((*C.struct_sls_remote)(remote))
	}
	return output.FLB_OK
}

// FLBPluginExit exists for hosts without FLBPluginExitCtx, before 1.4.
//
//export FLBPluginExit
func FLBPluginExit() C.int { return output.FLB_OK }

// guard turns a panic into a result: a Go panic that leaves an exported
// function ends the whole of Fluent Bit.
func guard(ret *C.int, onPanic C.int) {
	if r := recover(); r != nil {
		panicked(r)
		if ret != nil {
			*ret = onPanic
		}
	}
}

func panicked(cause any) {
	plugin.WriteStderr(fmt.Sprintf("[output:%s] internal error, please report it: %v\n%s", name, cause, debug.Stack()))
}

// The Go runtime in this shared object serves nothing but outputs, whose memory
// is theirs to keep and give back. Half of the usual garbage keeps a node's
// memory small at no measurable cost. GOGC in the environment goes first.
func init() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

func main() {}
