// Command out_sls_kafka is a shared object that Fluent Bit loads as an output:
// it delivers log records to Alibaba Cloud Simple Log Service (SLS) through
// its Kafka-compatible endpoint. This file has the functions that Fluent Bit calls.
// FLBPluginFlushCtx is not among them: it is C, in host/flush.c, because no Go frame
// may be on the stack of a suspended flush.
package main

import "C"

import (
	"unsafe"

	"out_sls_kafka/host"
)

// version is set by the build.
var version = "dev"

// FLBPluginPreRegister is called after loading; hot is 1 in a hot reload. It has
// nothing to prepare: all state belongs to an instance.
//
//export FLBPluginPreRegister
func FLBPluginPreRegister(hot C.int) C.int { return 0 }

// FLBPluginRegister tells Fluent Bit the name and kind of the plugin.
//
//export FLBPluginRegister
func FLBPluginRegister(def unsafe.Pointer) C.int { return C.int(host.Register(def)) }

// FLBPluginUnregister frees what FLBPluginRegister allocated.
//
//export FLBPluginUnregister
func FLBPluginUnregister(def unsafe.Pointer) { host.Unregister(def) }

// FLBPluginInit starts the output of one [OUTPUT] section.
//
//export FLBPluginInit
func FLBPluginInit(section unsafe.Pointer) C.int { return C.int(host.Init(section, version)) }

// FLBPluginExitCtx ends the output of one section.
//
//export FLBPluginExitCtx
func FLBPluginExitCtx(context unsafe.Pointer) C.int { return C.int(host.Exit(context)) }

// FLBPluginExit exists for hosts without FLBPluginExitCtx, before 1.4.
//
//export FLBPluginExit
func FLBPluginExit() C.int { return 1 }

func main() {}
