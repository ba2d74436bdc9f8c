package encoder

import "encoding/binary"

// A record of a sample is, with what there is of it in this order:
//
//	time        when the value last changed
//	name        of the metric
//	type        one of typeNames
//	value       of a counter, gauge or untyped metric; others have instead:
//	            histogram: count, sum, buckets {upper bound: count}
//	            summary: count, sum, quantiles {quantile: value}
//	            exponential_histogram: count, sum, scale, zero_count,
//	            zero_threshold, positive and negative {offset, buckets [count]}
//	labels      {name: value}
//	unit        of the value
//	aggregation "delta": it counts since the sample before, not since the start
//	start_time  when its counting began
//
// These are 14 fields at most; 15 is what the shortest header of a map counts.

// fieldCountOffset is the offset of that header in metric.eventBuf.
const fieldCountOffset = 13

// appendSample makes m.eventBuf the sample as Fluent Bit writes an event. It returns false
// where the sample is not as it should be.
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

// fitsEventTime says whether an EventTime can hold the nanoseconds since 1970
// and does not look like the mark of a group.
func fitsEventTime(ns uint64) bool { return ns/1e9 < groupEnd }

// appendEventTime appends an EventTime, which within a record becomes a string.
func appendEventTime(dst []byte, ns uint64) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, mpFixext8, 0), uint32(ns/1e9))
	return binary.BigEndian.AppendUint32(dst, uint32(ns%1e9))
}

// beginField begins a field of the record.
func (m *metric) beginField(name string) {
	m.eventBuf[fieldCountOffset]++
	m.eventBuf = appendFixstr(m.eventBuf, name)
}

// appendLabels appends those of the object and then the sample's own, which win
// where a name stands twice. One that the sample has not got is nil.
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

// appendHeader32 appends the header of n bytes, elements or entries.
func appendHeader32(dst []byte, lead byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, lead), uint32(n))
}
