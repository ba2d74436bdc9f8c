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
	budget int    // bytes that the samples of the chunk may still take
	event  []byte // a sample as an event

	scraped uint64 // nanoseconds since 1970: the time of the object's newest sample
	static  place  // the first label that all samples of the object have
	statics int    // how many there are

	kind    int
	name    []byte // namespace_subsystem_name
	unit    []byte // empty: none
	label   place  // the name of the first label
	labels  int    // how many there are
	bound   place  // the first upper bound of a bucket, or quantile
	bounds  int    // how many there are
	isDelta bool
}

func (m *metric) size() int { return cap(m.event) + cap(m.name) }

// close lets go of the caller's memory.
func (m *metric) close() {
	m.static, m.unit, m.label, m.bound = place{}, nil, place{}, place{}
}

// metrics encodes the metrics object at pos and returns the offset behind it,
// or 0 where there is no such object or not all of it.
func (e *Encoder) metrics(b *Batch, src []byte, pos int) int {
	end := skip(src, pos)
	if end < 0 {
		return 0
	}
	object := place{src[:end], pos}
	at, n, ok := object.get("metrics").list()
	if !ok {
		return 0
	}
	meta, m := object.get("meta"), &b.w.metric
	m.scraped = newest(at, n)
	m.static, m.statics, _ = meta.get("processing").get("static_labels").list()
	if fault := b.w.openResource(meta.get("external")); fault < 0 {
		return b.refuse(src, pos, m.header(), fault)
	}
	for ; n > 0; n-- {
		e.metric(b, at)
		at = at.next()
	}
	b.w.group = b.w.group[:0]
	return end
}

// newest returns the time of the newest sample of n metrics. That of a sample
// itself is when its value last changed, which may be long ago, or 0 where it
// never did; the newest is about when all of them were read.
func newest(at place, n int) (ns uint64) {
	for ; n > 0; n-- {
		sample, samples, _ := at.get("values").list()
		for ; samples > 0; samples-- {
			if v, ok := sample.get("ts").uint(); ok && isEventTime(v) {
				ns = max(ns, v)
			}
			sample = sample.next()
		}
		at = at.next()
	}
	return ns
}

// header is that of the event that a sample becomes.
func (m *metric) header() event {
	return event{sec: int64(m.scraped / 1e9), nsec: int32(m.scraped % 1e9)}
}

// openResource takes what OpenTelemetry says of where metrics come from as the
// attributes of a group, which it is for logs. The rest of the external
// metadata describes single samples.
func (w *walker) openResource(external place) (fault int) {
	w.group = w.group[:0]
	if !w.e.groupKey.wanted() {
		return 0
	}
	m := &w.metric
	m.event = append(m.event[:0], 0x80)
	for _, name := range [...]string{"resource", "scope"} {
		if of := external.get(name); of.at >= 0 && !isEmpty(of.src, of.at) {
			m.event[0]++
			m.event = append(appendText(m.event, name), of.raw()...)
		}
	}
	if m.event[0] == 0x80 {
		return 0
	}
	group, next := w.value(w.group, m.event, 0, 2)
	if w.group = group; next < 0 {
		w.group = group[:0]
		return next
	}
	return 0
}

// metric encodes all samples of the metric. What is wrong with one of them
// does not touch the others.
func (e *Encoder) metric(b *Batch, at place) {
	m := &b.w.metric
	value, n, ok := at.get("values").list()
	if !ok || !m.open(at.get("meta")) {
		b.refuse(at.src, at.at, m.header(), faultMetric)
		return
	}
	for ; n > 0; n-- {
		e.sample(b, value)
		value = value.next()
	}
}

// open takes what the samples of the metric share.
func (m *metric) open(meta place) bool {
	if version, ok := meta.get("ver").uint(); !ok || version != cmetricsVersion {
		return false
	}
	kind, ok := meta.get("type").uint()
	if !ok || kind >= uint64(len(typeNames)) {
		return false
	}
	m.kind = int(kind)
	opts := meta.get("opts")
	name, ok := opts.get("name").text()
	if !ok {
		return false
	}
	// as cmt_opts_init in lib/cmetrics/src/cmt_opts.c
	m.name = m.name[:0]
	if ns, _ := opts.get("ns").text(); len(ns) > 0 {
		m.name = append(append(m.name, ns...), '_')
	}
	if ss, _ := opts.get("ss").text(); len(ss) > 0 {
		if m.name = append(m.name, ss...); ss[len(ss)-1] != '_' {
			m.name = append(m.name, '_')
		}
	}
	m.name = append(m.name, name...)
	m.unit, _ = opts.get("unit").text()
	aggregation, _ := meta.get("aggregation_type").uint()
	m.isDelta = aggregation == deltaAggregation
	m.label, m.labels, _ = meta.get("labels").list()
	bounds := "buckets"
	if m.kind == typeSummary {
		bounds = "quantiles"
	}
	m.bound, m.bounds, _ = meta.get(bounds).list()
	return m.bound.areNumbers(m.bounds)
}

// sample encodes one sample.
func (e *Encoder) sample(b *Batch, at place) {
	m := &b.w.metric
	if m.budget < 0 {
		b.refuse(at.src, at.at, m.header(), faultExpansion)
		return
	}
	ok := m.pack(at)
	m.budget -= len(m.event)
	if !ok {
		b.refuse(at.src, at.at, m.header(), faultSample)
		return
	}
	buf, rejects := len(b.Buf), len(b.Rejects)
	e.event(b, m.event, 0)
	m.budget -= len(b.Buf) - buf
	if len(b.Rejects) > rejects { // it stands in the chunk, not in the event
		r := &b.Rejects[rejects]
		r.Offset, r.Length = at.at, len(at.raw())
	}
}
