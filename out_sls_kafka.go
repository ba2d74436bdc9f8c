// Command out_sls_kafka is a shared object that Fluent Bit loads as an output:
// it delivers log records to Alibaba Cloud Simple Log Service (SLS) through
// its Kafka-compatible endpoint. This file has the functions Fluent Bit calls;
// what they do is in package plugin, and FLBPluginFlushCtx is in flush.c.
package main

/*
#include <stddef.h>
#include <stdint.h>
#include "flush.h"
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
	return C.int(output.FLBPluginRegister(def, name, description))
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
	out, err := plugin.New(cfg, plugin.Surroundings{Log: log, Stopping: stopping()})
	if err != nil {
		log.Errorf("%v", err)
		return nil, err
	}
	log.Infof("version %s, project %s, logstore %s, endpoint %s", version, cfg.Project, cfg.Logstore, strings.Join(cfg.Endpoints, ", "))
	return newInstance(cfg, out, log), nil
}

// slsSubmit takes in the chunk of a flush and advances it for the first time.
// Where the chunk is pending then, *chunk is its number. reason says why the
// flush must block, nil where it need not. Only flush.c calls this.
//
//export slsSubmit
func slsSubmit(handle C.uintptr_t, data unsafe.Pointer, size C.size_t, tag *C.char, wait *C.struct_sls_wait, reason *C.char, chunk *C.size_t) (ret C.int) {
	defer guard(&ret, output.FLB_RETRY)
	i := cgo.Handle(handle).Value().(*instance)
	if reason != nil {
		i.warnBlocking(C.GoString(reason))
	}
	bytes := bytesOf(data, size)
	c := i.out.Submit(C.GoString(tag), bytes, waker{wait}, i.onWorker())
	result := c.Advance(bytes)
	if result == plugin.Pending {
		*chunk = C.size_t(i.keep(c))
	}
	return C.int(result)
}

// slsAdvance moves a chunk on. After any result but SLS_PENDING the chunk is
// gone.
//
//export slsAdvance
func slsAdvance(handle C.uintptr_t, chunk C.size_t, data unsafe.Pointer, size C.size_t) (ret C.int) {
	defer guard(&ret, output.FLB_RETRY)
	i := cgo.Handle(handle).Value().(*instance)
	result := i.chunk(int(chunk)).Advance(bytesOf(data, size))
	if result != plugin.Pending {
		i.drop(int(chunk))
	}
	return C.int(result)
}

// slsAbandon ends the wait for a chunk that is still on its way.
//
//export slsAbandon
func slsAbandon(handle C.uintptr_t, chunk C.size_t, data unsafe.Pointer, size C.size_t) {
	defer guard(nil, 0)
	i := cgo.Handle(handle).Value().(*instance)
	i.chunk(int(chunk)).Abandon(bytesOf(data, size))
	i.drop(int(chunk))
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
		fmt.Fprintf(os.Stderr, "[output:%s] internal error, please report it: %v\n%s", name, r, debug.Stack())
		if ret != nil {
			*ret = onPanic
		}
	}
}

// bytesOf is the host's memory as bytes, valid during the call only.
func bytesOf(data unsafe.Pointer, size C.size_t) []byte {
	return unsafe.Slice((*byte)(data), int(size))
}

func main() {}
