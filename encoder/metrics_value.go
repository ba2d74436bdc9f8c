package encoder

import "encoding/binary"

// appendValue appends the value of the sample, or the fields that samples of its
// type have instead.
func (m *metric) appendValue(sample cursor) bool {
	switch m.kind {
	case typeHistogram:
		return m.appendHistogram(sample.get("histogram"))
	case typeSummary:
		return m.appendSummary(sample.get("summary"))
	case typeExponential:
		return m.appendExponential(sample.get("exp_histogram"))
	}
	for _, name := range [...]string{"value_int64", "value_uint64"} { // exists if the value is not a float
		if value := sample.get(name); value.pos >= 0 {
			return m.appendNumber("value", value)
		}
	}
	return m.appendNumber("value", sample.get("value"))
}

// appendSummary appends count, sum and, if they are set, quantiles.
func (m *metric) appendSummary(s cursor) bool {
	value, n, ok := s.get("quantiles").array()
	if !ok || n != m.bounds || !m.appendNumber("count", s.get("count")) {
		return false
	}
	m.beginField("sum")
	if !m.appendFloatBits(s.get("sum")) {
		return false
	}
	if set, ok := s.get("quantiles_set").uint(); !ok || set == 0 {
		return ok
	}
	m.beginField("quantiles")
	m.eventBuf = appendHeader32(m.eventBuf, mpMap32, n)
	quantile := m.firstBound
	for range n {
		m.appendBound(quantile)
		if !m.appendFloatBits(value) {
			return false
		}
		quantile, value = quantile.next(), value.next()
	}
	return true
}

// appendExponential appends the sample in the form of OpenTelemetry: bucket i of
// the positive ones counts values above base^(offset+i) up to base^(offset+i+1),
// where base is 2^(2^-scale). The negative ones do the same below zero.
func (m *metric) appendExponential(h cursor) bool {
	if !m.appendNumber("count", h.get("count")) {
		return false
	}
	if set, _ := h.get("sum_set").uint(); set != 0 {
		if m.beginField("sum"); !m.appendFloatBits(h.get("sum")) {
			return false
		}
	}
	for _, name := range [...]string{"scale", "zero_count", "zero_threshold"} {
		if !m.appendNumber(name, h.get(name)) {
			return false
		}
	}
	return m.appendBuckets("positive", h.get("positive_offset"), h.get("positive_buckets")) &&
		m.appendBuckets("negative", h.get("negative_offset"), h.get("negative_buckets"))
}

// appendBuckets appends the buckets above or below zero.
func (m *metric) appendBuckets(name string, offset, buckets cursor) bool {
	bucket, n, ok := buckets.array()
	if !ok || !offset.isNumber() || !bucket.areNumbers(n) {
		return false
	}
	m.beginField(name)
	m.eventBuf = append(appendFixstr(append(m.eventBuf, 0x82), "offset"), offset.raw()...)
	m.eventBuf = append(appendFixstr(m.eventBuf, "buckets"), buckets.raw()...)
	return true
}

func (m *metric) appendNumber(name string, value cursor) bool {
	if !value.isNumber() {
		return false
	}
	m.beginField(name)
	m.eventBuf = append(m.eventBuf, value.raw()...)
	return true
}

// appendFloatBits appends a float64 whose bits are given as an integer.
func (m *metric) appendFloatBits(value cursor) bool {
	bits, ok := value.uint()
	m.eventBuf = binary.BigEndian.AppendUint64(append(m.eventBuf, mpFloat64), bits)
	return ok
}
