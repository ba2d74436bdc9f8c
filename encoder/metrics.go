package encoder

// What Fluent Bit hands over of metrics is a run of objects, one for each
// scrape (Fluent Bit 5.1.1, lib/cmetrics/src/cmt_encode_msgpack.c):
//
//	{"meta": {"cmetrics": {…}, "external": {"resource": …, "scope": …, …},
//	          "processing": {"static_labels": [[name, value], …]}},
//	 "metrics": [{"meta": {"ver": 2, "type": 0, "opts": {"ns", "ss", "name", "desc", "unit"},
//	                       "labels": [name, …], "aggregation_type", "buckets", "quantiles"},
//	              "values": [sample, …]}, …]}
//
// Events are arrays, so the first byte tells the two apart. Each sample
// becomes one record, as each is one line where Fluent Bit prints metrics. It
// is written as an event first and encoded like any other, so that every
// Option means for a sample what it means for a log record. The time of the
// event is that of the newest sample of the object.

// cmetricsVersion is the one layout there is. Fluent Bit refuses others too
// (lib/cmetrics/src/cmt_decode_msgpack.c).
const cmetricsVersion = 2

// The types of metrics (lib/cmetrics/include/cmetrics/cmetrics.h).
const (
	typeCounter = iota
	typeGauge
	typeHistogram
	typeSummary
	typeUntyped
	typeExponential
)

// typeNames are what a record calls them.
var typeNames = [...]string{"counter", "gauge", "histogram", "summary", "untyped", "exponential_histogram"}

// deltaAggregation marks values that count since the last sample, not since
// the start.
const deltaAggregation = 1

// The samples of a chunk may take metricsAllowance bytes and metricsFactor
// times the chunk. Each repeats the labels of its whole object, so that a
// hostile chunk could ask for the square of its size; a true one stays below.
const (
	metricsAllowance = 1 << 20
	metricsFactor    = 64
)

// metric is what the samples of one metric share, and the memory for them.
type metric struct {
	budget   int    // bytes that the samples of the chunk may still take
	eventBuf []byte // a sample as an event

	scrapeTime   uint64 // nanoseconds since 1970: the time of the object's newest sample
	firstStatic  cursor // the first label that all samples of the object have
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

// close lets go of the caller's memory.
func (m *metric) close() {
	m.firstStatic, m.unit, m.firstLabel, m.firstBound = cursor{}, nil, cursor{}, cursor{}
}

// encodeMetrics encodes the metrics object at pos and returns the offset behind it,
// or 0 where there is no such object or not all of it.
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
		return b.reject(src, pos, m.eventHeader(), fault)
	}
	for ; n > 0; n-- {
		e.encodeMetric(b, elem)
		elem = elem.next()
	}
	b.w.groupJSON = b.w.groupJSON[:0]
	return end
}

// newestTime returns the time of the newest sample of n metrics. That of a sample
// itself is when its value last changed, which may be long ago, or 0 where it
// never did; the newest is about when all of them were read.
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

// eventHeader is that of the event that a sample becomes.
func (m *metric) eventHeader() event {
	return event{sec: int64(m.scrapeTime / 1e9), nsec: int32(m.scrapeTime % 1e9)}
}

// setResourceGroup takes what OpenTelemetry says of where metrics come from as the
// attributes of a group, which it is for logs. The rest of the external
// metadata describes single samples.
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

// encodeMetric encodes all samples of the metric. What is wrong with one of them
// does not touch the others.
func (e *Encoder) encodeMetric(b *Batch, elem cursor) {
	m := &b.w.metric
	sample, n, ok := elem.get("values").array()
	if !ok || !m.readMeta(elem.get("meta")) {
		b.reject(elem.src, elem.pos, m.eventHeader(), faultMetric)
		return
	}
	for ; n > 0; n-- {
		e.encodeSample(b, sample)
		sample = sample.next()
	}
}

// readMeta takes what the samples of the metric share.
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
	// as cmt_opts_init in lib/cmetrics/src/cmt_opts.c
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
	if len(b.Rejects) > rejects { // it stands in the chunk, not in the event
		r := &b.Rejects[rejects]
		r.Offset, r.Length = sample.pos, len(sample.raw())
	}
}
