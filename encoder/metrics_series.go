package encoder

import (
	"math"
	"strconv"
)

// MetricsFormat selects what the samples of metrics become.
type MetricsFormat uint8

const (
	// MetricsJSON makes a sample one record, with all that belongs to it.
	MetricsJSON MetricsFormat = iota
	// MetricsStore makes each value of a sample one record of four strings, as a
	// metricstore of SLS has it: __name__, __labels__, __time_nano__ and __value__.
	// Histograms and summaries become what Prometheus makes of them. Options that add
	// fields add none, and nothing is cut: labels that are cut name another series.
	MetricsStore
)

// series is the sample that is being written for a metricstore. A record of it is a
// part: first the points of a histogram or summary, then its sum and its count.
type series struct {
	enc    *Encoder // of the records; nil: samples stay whole
	name   []byte   // of the metric, by Prometheus' rules
	set    labelSet
	own    bool   // samples keep their own time
	time   uint64 // nanoseconds since 1970
	bound  string // label of the points
	points []point
	count  cursor // of a histogram or summary
	sum    cursor // pos -1: unknown
	isBits bool   // sum is the bits of a float64
	number []byte // memory for a number
}

// point is a bucket or a quantile. value is a count, or the bits of the float64 of a
// quantile.
type point struct {
	bound float64
	value uint64
}

func (s *series) size() int {
	return cap(s.name) + s.set.size() + cap(s.points)*16 + cap(s.number)
}

// close releases the memory of the caller.
func (s *series) close() {
	s.set.close()
	s.enc, s.count, s.sum = nil, cursor{}, cursor{}
}

// newSeriesEncoder returns the encoder of the records of a metricstore.
func newSeriesEncoder(o Options) (*Encoder, error) {
	return New(Options{KeyField: o.KeyField, RouteField: o.RouteField, MaxBytes: o.MaxBytes})
}

// openObject reads what the records of the object share. OpenTelemetry gives each point
// its own time. Of others the time is when the value changed last, which may be long
// ago: the value still holds when the newest sample was read, and a series without
// recent points ends for who reads it.
func (s *series) openObject(w *walker, meta cursor) {
	m := &w.metric
	producer, _ := meta.get("cmetrics").get("producer").str()
	s.own = string(producer) == "opentelemetry"
	s.set.openObject(w, m.external.get("resource").get("attributes"), m.firstStatic, m.staticLabels)
}

// openMetric reads what the records of the metric share.
func (s *series) openMetric(m *metric) {
	s.name = appendPrometheusName(s.name[:0], m.name, true)
	s.bound = ""
	switch m.kind {
	case typeHistogram, typeExponential:
		s.bound = "le"
	case typeSummary:
		s.bound = "quantile"
	}
}

// openSample reads a sample. It returns 0 or a fault.
func (s *series) openSample(w *walker, sample cursor) int {
	m := &w.metric
	if (s.set.sharedBytes+len(s.name))/2 > s.enc.giveUpSize {
		return faultTooLarge // without the time to copy them: see metric.labelsExceed
	}
	changed, ok := sample.get("ts").uint()
	if !ok || !fitsEventTime(changed) || !s.readPoints(m, sample) {
		return faultSample
	}
	if s.time = m.scrapeTime; s.own && changed > 0 {
		s.time = changed
	}
	if s.time == 0 && w.enc.opts.ReplaceZeroTime && !w.arrived.IsZero() {
		s.time = uint64(max(0, w.arrived.UnixNano()))
	}
	value, values := sample.get("labels"), 0
	if value.pos >= 0 {
		if value, values, ok = value.array(); !ok || values > m.labels {
			return faultSample
		}
	}
	if !s.set.openSample(m.firstLabel, value, values, s.bound) {
		return faultSample
	}
	return 0
}

// parts returns how many records the sample becomes.
func (s *series) parts() int {
	switch {
	case s.bound == "":
		return 1
	case s.sum.pos < 0:
		return len(s.points) + 1
	}
	return len(s.points) + 2
}

// appendPart writes a part as an event to buf.
func (s *series) appendPart(buf []byte, part int) []byte {
	suffix, bound := "", ""
	value := s.number[:0]
	switch {
	case s.bound == "":
		value = appendNumberText(value, s.count)
	case part < len(s.points):
		p := s.points[part]
		bound = s.bound
		if bound == "le" {
			suffix, value = "_bucket", strconv.AppendUint(value, p.value, 10)
		} else {
			value = appendFloatText(value, math.Float64frombits(p.value))
		}
	case part == len(s.points):
		suffix, value = "_count", appendNumberText(value, s.count)
	case s.isBits:
		bits, _ := s.sum.uint()
		suffix, value = "_sum", appendFloatText(value, math.Float64frombits(bits))
	default:
		suffix, value = "_sum", appendNumberText(value, s.sum)
	}
	valueEnd := len(value)
	if bound != "" {
		value = appendFloatText(value, s.points[part].bound)
	}
	s.number = value
	buf = append(appendEventTime(append(buf[:0], 0x92, 0x92), s.time), 0x80, 0x84)
	buf = appendHeader32(appendFixstr(buf, "__name__"), mpStr32, len(s.name)+len(suffix))
	buf = append(append(buf, s.name...), suffix...)
	buf = appendHeader32(appendFixstr(buf, "__labels__"), mpStr32, s.set.textBytes(bound, value[valueEnd:]))
	buf = s.set.appendWith(buf, bound, value[valueEnd:])
	buf = appendFixstr(buf, "__time_nano__")
	header := len(buf)
	buf = strconv.AppendUint(append(buf, 0), s.time, 10)
	buf[header] = 0xa0 | byte(len(buf)-header-1) // 20 digits at most
	buf = appendFixstr(buf, "__value__")
	return append(append(buf, 0xa0|byte(valueEnd)), value[:valueEnd]...) // 24 bytes at most
}

// appendNumberText appends an integer exactly, or a float as Prometheus writes it.
func appendNumberText(dst []byte, number cursor) []byte {
	if v, unsigned, ok := readInt(number.src, number.pos); ok && unsigned {
		return strconv.AppendUint(dst, uint64(v), 10)
	} else if ok {
		return strconv.AppendInt(dst, v, 10)
	}
	return appendFloatText(dst, number.float())
}

func appendFloatText(dst []byte, v float64) []byte {
	if math.IsInf(v, 1) {
		return append(dst, "+Inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// encodeSeries encodes the parts of one sample from the position on, until the step is
// full. It returns false if some are left.
func (e *Encoder) encodeSeries(b *Batch, sample cursor, size int) bool {
	w := &b.w
	m, s, at := &w.metric, &w.metric.series, &w.at.object
	if at.part == 0 {
		if fault := s.openSample(w, sample); fault < 0 {
			w.copied += len(s.set.text)
			b.reject(sample.src, sample.pos, m.eventHeader(), fault)
			return true
		}
	}
	for parts := s.parts(); at.part < parts; {
		if at.part > 0 && b.usedBytes() >= size {
			return false
		}
		m.eventBuf = s.appendPart(m.eventBuf, at.part)
		w.copied += len(m.eventBuf)
		rejects := len(b.Rejects)
		w.enc, w.place = s.enc, sample.pos
		s.enc.encodeEvent(b, m.eventBuf, 0)
		w.enc = e
		if len(b.Rejects) > rejects { // the other parts are as large
			r := &b.Rejects[rejects]
			r.Offset, r.Length, r.Count = sample.pos, len(sample.raw()), parts-at.part
			break
		}
		at.part++
	}
	at.part = 0
	return true
}
