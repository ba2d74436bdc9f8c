package encoder

// Fluent Bit delivers metrics as a run of objects, one for each scrape (Fluent Bit
// 5.1.1, lib/cmetrics/src/cmt_encode_msgpack.c):
//
//	{"meta": {"cmetrics": {…}, "external": {"resource": …, "scope": …, …},
//	          "processing": {"static_labels": [[name, value], …]}},
//	 "metrics": [{"meta": {"ver": 2, "type": 0, "opts": {"ns", "ss", "name", "desc", "unit"},
//	                       "labels": [name, …], "aggregation_type", "buckets", "quantiles"},
//	              "values": [sample, …]}, …]}
//
// An event is an array and such an object is a map, so the first byte
// distinguishes them. Each sample becomes one record, as each is one line where
// Fluent Bit prints metrics; for a metricstore each of its values does: see series. A sample is first written as an event in msgpack and
// then encoded like any other event, so that every Option means for a sample what
// it means for a log record. The time of the event is that of the newest sample of
// the object.

// cmetricsVersion is the only layout there is. Fluent Bit rejects others too
// (lib/cmetrics/src/cmt_decode_msgpack.c).
const cmetricsVersion = 2

// Types of metrics (lib/cmetrics/include/cmetrics/cmetrics.h).
const (
	typeCounter = iota
	typeGauge
	typeHistogram
	typeSummary
	typeUntyped
	typeExponential
)

// typeNames are the names of the types in a record.
var typeNames = [...]string{"counter", "gauge", "histogram", "summary", "untyped", "exponential_histogram"}

// deltaAggregation marks values that count since the previous sample instead of
// since the start.
const deltaAggregation = 1

// metric has what the samples of one metric share, and the memory to write them.
type metric struct {
	eventBuf []byte // the current sample as an event in msgpack

	external     cursor // where the object comes from
	firstStatic  cursor // the first of the labels that all samples of the object have
	staticLabels int    // how many there are
	staticBytes  int    // of msgpack that they take
	longestBytes int    // of these, the longest label
	scrapeTime   uint64 // nanoseconds since 1970: the time of the object's newest sample

	elem       cursor // the metric
	kind       int
	name       []byte // namespace_subsystem_name
	unit       []byte // empty: none
	firstLabel cursor // the name of the first label
	labels     int    // how many there are
	firstBound cursor // the first upper bound of a bucket, or quantile
	bounds     int    // how many there are
	isDelta    bool

	series series // of a metricstore
}

func (m *metric) size() int { return cap(m.eventBuf) + cap(m.name) + m.series.size() }

// close releases the memory of the caller.
func (m *metric) close() {
	m.external, m.firstStatic, m.elem, m.unit = cursor{}, cursor{}, cursor{}, nil
	m.firstLabel, m.firstBound = cursor{}, cursor{}
	m.series.close()
}

// openMetrics reads what all samples of the object share.
func (w *walker) openMetrics(src []byte, start, end int) {
	m := &w.metric
	object := cursor{src[:end], start}
	elem, n, _ := object.get("metrics").array()
	m.scrapeTime = newestTime(elem, n)
	m.elem = cursor{src: src[:end]}
	meta := object.get("meta")
	m.external = meta.get("external")
	m.firstStatic, m.staticLabels, _ = meta.get("processing").get("static_labels").array()
	m.staticBytes, m.longestBytes = 0, 0
	for pair, n := m.firstStatic, m.staticLabels; n > 0; n-- {
		length := len(pair.raw())
		m.staticBytes, m.longestBytes = m.staticBytes+length, max(m.longestBytes, length)
		pair = pair.next()
	}
	if m.series.enc = w.enc.series; m.series.enc != nil {
		m.series.openObject(w, meta)
	}
}

// newestTime returns the time of the newest sample of n metrics. The time of a
// sample is when its value last changed, which may be long ago, or 0 if it never
// did. The newest of these times is about when all samples were read.
func newestTime(elem cursor, n int) (ns uint64) {
	for ; n > 0; n-- {
		sample, samples, _ := elem.get("values").array()
		for ; samples > 0; samples-- {
			if v, ok := sample.get("ts").uint(); ok && fitsEventTime(v) {
				ns = max(ns, v)
			}
			sample = sample.next()
		}
		elem = elem.next()
	}
	return ns
}

// rejectSamples rejects all samples of n metrics as one range: that of whole, which
// has what they share.
func (b *Batch) rejectSamples(whole, elem cursor, n, fault int) {
	count := 0
	for ; n > 0; n-- {
		_, samples, _ := elem.get("values").array()
		count += samples
		elem = elem.next()
	}
	b.reject(whole.src, whole.pos, b.w.metric.eventHeader(), fault)
	b.Rejects[len(b.Rejects)-1].Count = max(1, count)
}

// eventHeader returns the header of the event that a sample becomes.
func (m *metric) eventHeader() event {
	return event{sec: int64(m.scrapeTime / 1e9), nsec: int32(m.scrapeTime % 1e9)}
}

// setResourceGroup makes the OpenTelemetry resource and scope of the metrics the
// attributes of a group, as they are for logs. The rest of the external metadata
// describes single samples.
func (w *walker) setResourceGroup() (fault int) {
	w.groupJSON = w.groupJSON[:0]
	if !w.enc.groupKey.wanted() || w.enc.series != nil {
		return 0
	}
	m := &w.metric
	m.eventBuf = append(m.eventBuf[:0], 0x80)
	for _, name := range [...]string{"resource", "scope"} {
		if part := m.external.get(name); part.pos >= 0 && !isNilOrEmpty(part.src, part.pos) {
			m.eventBuf[0]++
			m.eventBuf = append(appendFixstr(m.eventBuf, name), part.raw()...)
		}
	}
	if m.eventBuf[0] == 0x80 {
		return 0
	}
	group, next := w.appendValue(w.groupJSON, m.eventBuf, 0, 2)
	if w.groupJSON = group; next < 0 {
		w.groupJSON = group[:0]
		return next
	}
	return 0
}

// openMetric reads what the samples of the metric share.
func (m *metric) openMetric() bool {
	if !m.readMeta(m.elem.get("meta")) {
		return false
	}
	if m.series.enc != nil {
		m.series.openMetric(m)
	}
	return true
}

// readMeta reads what the samples of the metric share. It returns false if that
// does not have the layout of cmetrics.
func (m *metric) readMeta(meta cursor) bool {
	if version, ok := meta.get("ver").uint(); !ok || version != cmetricsVersion {
		return false
	}
	kind, ok := meta.get("type").uint()
	if !ok || kind >= uint64(len(typeNames)) {
		return false
	}
	m.kind = int(kind)
	opts := meta.get("opts")
	name, ok := opts.get("name").str()
	if !ok {
		return false
	}
	// The name is built as in cmt_opts_init (lib/cmetrics/src/cmt_opts.c).
	m.name = m.name[:0]
	if ns, _ := opts.get("ns").str(); len(ns) > 0 {
		m.name = append(append(m.name, ns...), '_')
	}
	if ss, _ := opts.get("ss").str(); len(ss) > 0 {
		if m.name = append(m.name, ss...); ss[len(ss)-1] != '_' {
			m.name = append(m.name, '_')
		}
	}
	m.name = append(m.name, name...)
	m.unit, _ = opts.get("unit").str()
	aggregation, _ := meta.get("aggregation_type").uint()
	m.isDelta = aggregation == deltaAggregation
	m.firstLabel, m.labels, _ = meta.get("labels").array()
	bounds := "buckets"
	if m.kind == typeSummary {
		bounds = "quantiles"
	}
	m.firstBound, m.bounds, _ = meta.get(bounds).array()
	return m.firstBound.areNumbers(m.bounds)
}
