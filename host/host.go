// Package host is Fluent Bit's side of the output: what Fluent Bit calls, its
// event loop, its coroutines, its logger and its metrics. What is done with a
// chunk is in package plugin.
package host

/*
#cgo LDFLAGS: -ldl
#include "flush.h"
*/
import "C"

import (
	"errors"
	"fmt"
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

// Register tells the host name and kind of the plugin, and returns the result of
// FLBPluginRegister. It may be called several times in one process.
func Register(def unsafe.Pointer) (ret int32) {
	defer guard(&ret, -1)
	ret = int32(output.FLBPluginRegister(def, name, description))
	C.sls_register_metrics(def)
	return ret
}

// Unregister frees what Register made.
func Unregister(def unsafe.Pointer) {
	defer guard(nil, 0)
	output.FLBPluginUnregister(def)
}

// Init starts the output of one [OUTPUT] section, and returns the result of
// FLBPluginInit. Every fault of the configuration is logged before it fails.
func Init(p unsafe.Pointer, version string) (ret int32) {
	defer guard(&ret, output.FLB_ERROR)
	instance, err := start(p, version)
	if err != nil {
		return output.FLB_ERROR
	}
	setContext(p, instance.remote())
	return output.FLB_OK
}

func start(p unsafe.Pointer, version string) (*instance, error) {
	log := plugin.NewLog(newHostLog(p), name)
	defer log.Drain()
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
		return nil, err
	}
	out, err := plugin.New(cfg, plugin.Env{Log: log, Stopping: stopping, Metrics: newHostMeter(p)})
	if err != nil {
		log.Errorf("%v", err)
		return nil, err
	}
	log.Infof("version %s, project %s, logstore %s, endpoint %s", version, cfg.Project, cfg.Logstore, strings.Join(cfg.Endpoints, ", "))
	return newInstance(cfg, out, log), nil
}

// Exit ends the output of one section, and returns the result of
// FLBPluginExitCtx. The host calls it with NULL for sections it never
// initialised.
func Exit(remote unsafe.Pointer) (ret int32) {
	defer guard(&ret, output.FLB_OK)
	if remote != nil {
		endRemote((*C.struct_sls_output)(remote))
	}
	return output.FLB_OK
}

// guard turns a panic into a result: a Go panic that leaves an exported
// function ends the whole of Fluent Bit.
func guard(ret *int32, onPanic int32) {
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
