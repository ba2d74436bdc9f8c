package encoder

import (
	"encoding/binary"
	"math"
)

// A record of a sample has these fields in this order, without those that the
// sample does not have:
//
//	time        when the value last changed
//	name        of the metric
//	type        one of typeNames
//	value       of a counter, gauge or untyped metric; others have instead:
//	            histogram: count, sum, buckets {upper bound: count}, buckets_as_given
//	            summary: count, sum, quantiles {quantile: value}
//	            exponential_histogram: count, sum, scale, zero_count,
//	            zero_threshold, positive and negative {offset, buckets [count]}
//	labels      {name: value}
//	unit        of the value
//	aggregation "delta": the value counts since the previous sample, not the start
//	start_time  when the counting began
//
// These are 14 fields at most; the shortest header of a map counts up to 15.

// fieldCountOffset is the offset of that header in metric.eventBuf.
const fieldCountOffset = 13

// appendSample writes the sample to m.eventBuf, in the layout in which Fluent Bit
// writes an event. It returns false if the sample does not have the layout of
// cmetrics.
func (m *metric) appendSample(sample cursor) bool {
	m.eventBuf = appendEventTime(append(m.eventBuf[:0], 0x92, 0x92), m.scrapeTime)
	m.eventBuf = append(m.eventBuf, 0x80, 0x80) // no metadata, no fields yet
	changed, ok := sample.get("ts").uint()
	if !ok || !fitsEventTime(changed) {
		return false
	}
	if changed > 0 {
		m.beginField("time")
		m.eventBuf = appendEventTime(m.eventBuf, changed)
	}
	m.beginField("name")
	m.eventBuf = append(appendHeader32(m.eventBuf, mpStr32, len(m.name)), m.name...)
	m.beginField("type")
	m.eventBuf = appendFixstr(m.eventBuf, typeNames[m.kind])
	if !m.appendValue(sample) || !m.appendLabels(sample.get("labels")) {
		return false
	}
	if len(m.unit) > 0 {
		m.beginField("unit")
		m.eventBuf = append(appendHeader32(m.eventBuf, mpStr32, len(m.unit)), m.unit...)
	}
	if m.isDelta {
		m.beginField("aggregation")
		m.eventBuf = appendFixstr(m.eventBuf, "delta")
	}
	if start, ok := sample.get("start_ts").uint(); ok && fitsEventTime(start) {
		m.beginField("start_time")
		m.eventBuf = appendEventTime(m.eventBuf, start)
	}
	return true
}

// fitsEventTime reports whether an EventTime can hold ns, in nanoseconds since 1970.
func fitsEventTime(ns uint64) bool { return ns/1e9 <= math.MaxUint32 }

// appendEventTime appends an EventTime. Within a record it becomes a string.
func appendEventTime(dst []byte, ns uint64) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, mpFixext8, 0), uint32(ns/1e9))
	return binary.BigEndian.AppendUint32(dst, uint32(ns%1e9))
}

// beginField counts a field of the record and appends its name.
func (m *metric) beginField(name string) {
	m.eventBuf[fieldCountOffset]++
	m.eventBuf = appendFixstr(m.eventBuf, name)
}

// appendLabels appends the labels of the object and then those of the sample. If
// both have a name, the label of the sample takes precedence. A label that the
// sample does not have is nil.
func (m *metric) appendLabels(value cursor) bool {
	values := 0
	if value.pos >= 0 {
		var ok bool
		if value, values, ok = value.array(); !ok || values > m.labels {
			return false
		}
	}
	if m.staticLabels+values == 0 {
		return true
	}
	m.beginField("labels")
	header, count := len(m.eventBuf), m.staticLabels
	m.eventBuf = appendHeader32(m.eventBuf, mpMap32, 0)
	for pair, n := m.firstStatic, m.staticLabels; n > 0; n-- {
		name, length, ok := pair.array()
		if !ok || length != 2 || !m.appendLabel(name, name.next()) {
			return false
		}
		pair = pair.next()
	}
	for name := m.firstLabel; values > 0; values-- {
		if !name.isNil() && !value.isNil() {
			if !m.appendLabel(name, value) {
				return false
			}
			count++
		}
		name, value = name.next(), value.next()
	}
	binary.BigEndian.PutUint32(m.eventBuf[header+1:], uint32(count))
	return true
}

func (m *metric) appendLabel(name, value cursor) bool {
	if !name.isString() || !value.isString() {
		return false
	}
	m.eventBuf = append(append(m.eventBuf, name.raw()...), value.raw()...)
	return true
}

// appendFixstr appends a string of less than 32 bytes.
func appendFixstr(dst []byte, s string) []byte {
	return append(append(dst, 0xa0|byte(len(s))), s...)
}

// appendHeader32 appends the header for n bytes, elements or entries.
func appendHeader32(dst []byte, lead byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, lead), uint32(n))
}
