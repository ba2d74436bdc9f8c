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
// Fluent Bit prints metrics. A sample is first written as an event in msgpack and
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

// The samples of a chunk may take metricsAllowance bytes plus metricsFactor times
// the bytes of the chunk. Each sample repeats the labels of its whole object, so
// that a hostile chunk could ask for the square of its size. A genuine chunk stays
// below the bound.
const (
	metricsAllowance = 1 << 20
	metricsFactor    = 64
)

// metric has what the samples of one metric share, and the memory to write them.
type metric struct {
	budget   int    // bytes that the samples of the chunk may still take
	eventBuf []byte // the current sample as an event in msgpack

	scrapeTime   uint64 // nanoseconds since 1970: the time of the object's newest sample
	firstStatic  cursor // the first of the labels that all samples of the object have
	staticLabels int    // how many there are

	kind       int
	name       []byte // namespace_subsystem_name
	unit       []byte // empty: none
	firstLabel cursor // the name of the first label
	labels     int    // how many there are
	firstBound cursor // the first upper bound of a bucket, or quantile
	bounds     int    // how many there are
	isDelta    bool
}

func (m *metric) size() int { return cap(m.eventBuf) + cap(m.name) }

// close releases the memory of the caller.
func (m *metric) close() {
	m.firstStatic, m.unit, m.firstLabel, m.firstBound = cursor{}, nil, cursor{}, cursor{}
}

// encodeMetrics encodes the metrics object at pos and returns the offset behind
// it. It returns 0 if the value at pos is not such an object or not a whole one.
func (e *Encoder) encodeMetrics(b *Batch, src []byte, pos int) int {
	end := skip(src, pos)
	if end < 0 {
		return 0
	}
	object := cursor{src[:end], pos}
	elem, n, ok := object.get("metrics").array()
	if !ok {
		return 0
	}
	meta, m := object.get("meta"), &b.w.metric
	m.scrapeTime = newestTime(elem, n)
	m.firstStatic, m.staticLabels, _ = meta.get("processing").get("static_labels").array()
	if fault := b.w.setResourceGroup(meta.get("external")); fault < 0 {
		b.rejectSamples(object, elem, n, fault)
		return end
	}
	for ; n > 0; n-- {
		e.encodeMetric(b, elem)
		elem = elem.next()
	}
	b.w.groupJSON = b.w.groupJSON[:0]
	return end
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
func (w *walker) setResourceGroup(external cursor) (fault int) {
	w.groupJSON = w.groupJSON[:0]
	if !w.enc.groupKey.wanted() {
		return 0
	}
	m := &w.metric
	m.eventBuf = append(m.eventBuf[:0], 0x80)
	for _, name := range [...]string{"resource", "scope"} {
		if part := external.get(name); part.pos >= 0 && !isNilOrEmpty(part.src, part.pos) {
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

// encodeMetric encodes all samples of the metric. A fault of one sample does not
// affect the others.
func (e *Encoder) encodeMetric(b *Batch, elem cursor) {
	m := &b.w.metric
	sample, n, ok := elem.get("values").array()
	if !ok || !m.readMeta(elem.get("meta")) {
		b.rejectSamples(elem, elem, 1, faultMetric)
		return
	}
	for ; n > 0; n-- {
		e.encodeSample(b, sample)
		sample = sample.next()
	}
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

// encodeSample encodes one sample.
func (e *Encoder) encodeSample(b *Batch, sample cursor) {
	m := &b.w.metric
	if m.budget < 0 {
		b.reject(sample.src, sample.pos, m.eventHeader(), faultExpansion)
		return
	}
	ok := m.appendSample(sample)
	m.budget -= len(m.eventBuf)
	if !ok {
		b.reject(sample.src, sample.pos, m.eventHeader(), faultSample)
		return
	}
	buf, rejects := len(b.Buf), len(b.Rejects)
	e.encodeEvent(b, m.eventBuf, 0)
	m.budget -= len(b.Buf) - buf
	if len(b.Rejects) > rejects { // its range is in the chunk, not in eventBuf
		r := &b.Rejects[rejects]
		r.Offset, r.Length = sample.pos, len(sample.raw())
	}
}
