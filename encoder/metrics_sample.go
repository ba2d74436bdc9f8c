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

// fieldsAt is the offset of that header in metric.event.
const fieldsAt = 13

// pack makes m.event the sample as Fluent Bit writes an event. It returns false
// where the sample is not as it should be.
func (m *metric) pack(sample place) bool {
	m.event = appendEventTime(append(m.event[:0], 0x92, 0x92), m.scraped)
	m.event = append(m.event, 0x80, 0x80) // no metadata, no fields yet
	changed, ok := sample.get("ts").uint()
	if !ok || !isEventTime(changed) {
		return false
	}
	if changed > 0 {
		m.field("time")
		m.event = appendEventTime(m.event, changed)
	}
	m.field("name")
	m.event = append(appendHeader(m.event, mpStr32, len(m.name)), m.name...)
	m.field("type")
	m.event = appendText(m.event, typeNames[m.kind])
	if !m.packValue(sample) || !m.packLabels(sample.get("labels")) {
		return false
	}
	if len(m.unit) > 0 {
		m.field("unit")
		m.event = append(appendHeader(m.event, mpStr32, len(m.unit)), m.unit...)
	}
	if m.isDelta {
		m.field("aggregation")
		m.event = appendText(m.event, "delta")
	}
	if start, ok := sample.get("start_ts").uint(); ok && isEventTime(start) {
		m.field("start_time")
		m.event = appendEventTime(m.event, start)
	}
	return true
}

// isEventTime says whether an EventTime can hold the nanoseconds since 1970
// and does not look like the mark of a group.
func isEventTime(ns uint64) bool { return ns/1e9 < groupEnd }

// appendEventTime appends an EventTime, which within a record becomes a string.
func appendEventTime(dst []byte, ns uint64) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, mpFixext8, 0), uint32(ns/1e9))
	return binary.BigEndian.AppendUint32(dst, uint32(ns%1e9))
}

// field begins a field of the record.
func (m *metric) field(name string) {
	m.event[fieldsAt]++
	m.event = appendText(m.event, name)
}

// packLabels appends those of the object and then the sample's own, which win
// where a name stands twice. One that the sample has not got is nil.
func (m *metric) packLabels(value place) bool {
	values := 0
	if value.at >= 0 {
		var ok bool
		if value, values, ok = value.list(); !ok || values > m.labels {
			return false
		}
	}
	if m.statics+values == 0 {
		return true
	}
	m.field("labels")
	header, count := len(m.event), m.statics
	m.event = appendHeader(m.event, mpMap32, 0)
	for pair, left := m.static, m.statics; left > 0; left-- {
		name, two, ok := pair.list()
		if !ok || two != 2 || !m.packLabel(name, name.next()) {
			return false
		}
		pair = pair.next()
	}
	for name := m.label; values > 0; values-- {
		if !name.isNull() && !value.isNull() {
			if !m.packLabel(name, value) {
				return false
			}
			count++
		}
		name, value = name.next(), value.next()
	}
	binary.BigEndian.PutUint32(m.event[header+1:], uint32(count))
	return true
}

func (m *metric) packLabel(name, value place) bool {
	if !name.isText() || !value.isText() {
		return false
	}
	m.event = append(append(m.event, name.raw()...), value.raw()...)
	return true
}

// appendText appends a string of less than 32 bytes.
func appendText(dst []byte, s string) []byte {
	return append(append(dst, 0xa0|byte(len(s))), s...)
}

// appendHeader appends the header of n bytes, elements or entries.
func appendHeader(dst []byte, lead byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, lead), uint32(n))
}
