package plugin

import (
	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/display"
)

// isUnwanted tells whether a chunk is of a kind that has no logstore, and counts it. Fluent
// Bit is told once, for all outputs of the plugin, which kinds it takes: an output that
// wants no traces gets them too if its Match fits. A logstore of logs is the wrong
// place for them.
func (o *Output) isUnwanted(tag string, data []byte) bool {
	if o.cfg.Encoding.TracesRoute != "" || encoder.KindOf(data) != encoder.KindTraces {
		return false
	}
	if o.stats.unwanted.Add(1) == 1 {
		o.log.Warnf("traces of tag %q are dropped, because logstore_traces is not set; others are counted and not logged", display.Cut(tag))
	}
	return true
}

// hasFixedRoute tells whether an option says where all records of a chunk go.
func (o *Output) hasFixedRoute(data []byte) bool {
	e := &o.cfg.Encoding
	if e.MetricsRoute == "" && e.TracesRoute == "" {
		return false
	}
	switch encoder.KindOf(data) {
	case encoder.KindMetrics:
		return e.MetricsRoute != ""
	case encoder.KindTraces:
		return e.TracesRoute != ""
	}
	return false
}

// hasOneRoute tells whether all records of a chunk go to the option logstore.
func (o *Output) hasOneRoute(data []byte) bool {
	e := &o.cfg.Encoding
	return o.logstores.single || e.RouteField == "" && encoder.KindOf(data) == encoder.KindLogs
}
