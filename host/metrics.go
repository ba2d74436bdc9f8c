package host

/*
#include <stdlib.h>
#include "fluentbit.h"
#include "metrics.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"out_sls_kafka/plugin"
)

// metricSink is an output instance's part of Fluent Bit's own metrics. It
// implements [plugin.MetricSink].
type metricSink struct {
	ins     unsafe.Pointer // struct flb_output_instance, valid until the instance's exit
	metrics *C.struct_sls_metrics
}

func newMetricSink(p unsafe.Pointer) *metricSink {
	return &metricSink{ins: (*C.struct_flbgo_output_plugin)(p).o_ins}
}

// Create adds the metrics to Fluent Bit's. It returns false where plugins cannot
// add any. If no memory is left for one of them, those before it stay, unused.
func (s *metricSink) Create(metrics []plugin.Metric) bool {
	created := C.sls_metrics_create(s.ins, C.size_t(len(metrics)))
	if created == nil {
		return false
	}
	for i := range metrics {
		if !addMetric(created, &metrics[i]) {
			C.sls_metrics_destroy(created)
			return false
		}
	}
	s.metrics = created
	return true
}

func addMetric(to *C.struct_sls_metrics, m *plugin.Metric) bool {
	gauge := C.int(0)
	if m.Gauge {
		gauge = 1
	}
	texts := [...]string{plugin.MetricsNamespace, plugin.MetricsSubsystem, m.Name, m.Help, m.Label, m.LabelValue}
	var c [len(texts)]*C.char
	for i, text := range texts {
		if text != "" {
			c[i] = C.CString(text)
			defer C.free(unsafe.Pointer(c[i]))
		}
	}
	return C.sls_metrics_add(to, gauge, c[0], c[1], c[2], c[3], c[4], c[5]) != 0
}

// Set sets the values of all metrics, in the order of Create.
func (s *metricSink) Set(at time.Time, values []float64) {
	C.sls_metrics_set(s.metrics, C.uint64_t(at.UnixNano()), (*C.double)(unsafe.SliceData(values)))
}

// Close frees what Create allocated. The metrics are Fluent Bit's and stay.
func (s *metricSink) Close() {
	C.sls_metrics_destroy(s.metrics)
	s.metrics = nil
}
