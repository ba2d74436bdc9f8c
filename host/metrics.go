package host

/*
#include <stdlib.h>
#include "metrics.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"out_sls_kafka/plugin"
)

// hostMeter is an output instance's place in Fluent Bit's own metrics. It
// implements [plugin.MetricSink].
type hostMeter struct {
	instance unsafe.Pointer // the host's, valid until the instance's exit
	metrics  *C.struct_sls_metrics
}

func newHostMeter(p unsafe.Pointer) *hostMeter {
	return &hostMeter{instance: instanceOf(p)}
}

// Create makes the metrics. Where the host refuses one, which takes that it has
// no memory left, those before it stay there unused.
func (h *hostMeter) Create(metrics []plugin.Metric) bool {
	created := C.sls_metrics_create(h.instance, C.size_t(len(metrics)))
	if created == nil {
		return false
	}
	for i := range metrics {
		if !addMetric(created, &metrics[i]) {
			C.sls_metrics_destroy(created)
			return false
		}
	}
	h.metrics = created
	return true
}

func addMetric(to *C.struct_sls_metrics, m *plugin.Metric) bool {
	gauge := C.int(0)
	if m.Gauge {
		gauge = 1
	}
	texts := [...]string{plugin.MetricsNamespace, plugin.MetricsSubsystem, m.Name, m.Help, m.Reason}
	var c [len(texts)]*C.char
	for i, text := range texts {
		if text != "" {
			c[i] = C.CString(text)
			defer C.free(unsafe.Pointer(c[i]))
		}
	}
	return C.sls_metrics_add(to, gauge, c[0], c[1], c[2], c[3], c[4]) != 0
}

// Set hands over the values of all metrics.
func (h *hostMeter) Set(at time.Time, values []float64) {
	C.sls_metrics_set(h.metrics, C.uint64_t(at.UnixNano()), (*C.double)(unsafe.SliceData(values)))
}

// Close frees what Create made, but for the metrics, which are the host's.
func (h *hostMeter) Close() {
	C.sls_metrics_destroy(h.metrics)
	h.metrics = nil
}
