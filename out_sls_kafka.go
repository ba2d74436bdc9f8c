// Command out_sls_kafka is a shared object that Fluent Bit loads as an output:
// it delivers log records to Alibaba Cloud Simple Log Service (SLS) through
// its Kafka-compatible endpoint. This file has functions that Fluent Bit calls. Others
// are C: FLBPluginFlushCtx, in host/flush.c, because no Go frame may be on the stack of
// a suspended flush; FLBPluginInit, FLBPluginExitCtx and FLBPluginUnregister, in
// host/process.c, because they may come in a process without Go's threads.
package main

import "C"

import (
	"unsafe"

	"out_sls_kafka/host"
)

// version is set by the build.
var version = "dev"

func init() { host.Version = version }

// FLBPluginPreRegister is called after loading; hot is 1 in a hot reload. It has
// nothing to prepare: all state belongs to an instance.
//
//export FLBPluginPreRegister
func FLBPluginPreRegister(hot C.int) C.int { return 0 }

// FLBPluginRegister tells Fluent Bit the name and kind of the plugin.
//
//export FLBPluginRegister
func FLBPluginRegister(def unsafe.Pointer) C.int { return C.int(host.Register(def)) }

// FLBPluginExit exists for hosts without FLBPluginExitCtx, before 1.4.
//
//export FLBPluginExit
func FLBPluginExit() C.int { return 1 }

func main() {}
