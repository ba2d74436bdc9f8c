package encoder

import "encoding/binary"

// packValue appends the value of the sample, or what there is in its place.
func (m *metric) packValue(sample place) bool {
	switch m.kind {
	case typeHistogram:
		return m.packHistogram(sample.get("histogram"))
	case typeSummary:
		return m.packSummary(sample.get("summary"))
	case typeExponential:
		return m.packExponential(sample.get("exp_histogram"))
	}
	for _, exact := range [...]string{"value_int64", "value_uint64"} { // where it is no float
		if at := sample.get(exact); at.at >= 0 {
			return m.packNumber("value", at)
		}
	}
	return m.packNumber("value", sample.get("value"))
}

// packHistogram appends count, sum and buckets, whose counts are cumulative.
func (m *metric) packHistogram(h place) bool {
	count, n, ok := h.get("buckets").list()
	if !ok || n != m.bounds+1 || !count.areNumbers(n) ||
		!m.packNumber("count", h.get("count")) || !m.packNumber("sum", h.get("sum")) {
		return false
	}
	m.field("buckets")
	m.event = appendHeader(m.event, mpMap32, n)
	bound := m.bound
	for range m.bounds {
		m.event = append(append(m.event, bound.raw()...), count.raw()...)
		bound, count = bound.next(), count.next()
	}
	m.event = append(appendText(m.event, "+Inf"), count.raw()...)
	return true
}

// packSummary appends count, sum and, once there are any, quantiles.
func (m *metric) packSummary(s place) bool {
	value, n, ok := s.get("quantiles").list()
	if !ok || n != m.bounds || !m.packNumber("count", s.get("count")) {
		return false
	}
	m.field("sum")
	if !m.packBits(s.get("sum")) {
		return false
	}
	if set, ok := s.get("quantiles_set").uint(); !ok || set == 0 {
		return ok
	}
	m.field("quantiles")
	m.event = appendHeader(m.event, mpMap32, n)
	quantile := m.bound
	for range n {
		m.event = append(m.event, quantile.raw()...)
		if !m.packBits(value) {
			return false
		}
		quantile, value = quantile.next(), value.next()
	}
	return true
}

// packExponential appends the sample as OpenTelemetry has it: bucket i of the
// positive ones counts what is above base^(offset+i) up to base^(offset+i+1),
// base being 2^(2^-scale); the negative ones likewise below zero.
func (m *metric) packExponential(h place) bool {
	if !m.packNumber("count", h.get("count")) {
		return false
	}
	if set, _ := h.get("sum_set").uint(); set != 0 {
		if m.field("sum"); !m.packBits(h.get("sum")) {
			return false
		}
	}
	for _, name := range [...]string{"scale", "zero_count", "zero_threshold"} {
		if !m.packNumber(name, h.get(name)) {
			return false
		}
	}
	return m.packSide("positive", h.get("positive_offset"), h.get("positive_buckets")) &&
		m.packSide("negative", h.get("negative_offset"), h.get("negative_buckets"))
}

// packSide appends the buckets above or below zero.
func (m *metric) packSide(name string, offset, buckets place) bool {
	count, n, ok := buckets.list()
	if !ok || !offset.isNumber() || !count.areNumbers(n) {
		return false
	}
	m.field(name)
	m.event = append(appendText(append(m.event, 0x82), "offset"), offset.raw()...)
	m.event = append(appendText(m.event, "buckets"), buckets.raw()...)
	return true
}

func (m *metric) packNumber(name string, at place) bool {
	if !at.isNumber() {
		return false
	}
	m.field(name)
	m.event = append(m.event, at.raw()...)
	return true
}

// packBits appends a float64 that is given as the integer of its bits.
func (m *metric) packBits(at place) bool {
	bits, ok := at.uint()
	m.event = binary.BigEndian.AppendUint64(append(m.event, mpFloat64), bits)
	return ok
}
