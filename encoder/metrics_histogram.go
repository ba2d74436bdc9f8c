package encoder

import (
	"encoding/binary"
	"math"
)

// bucketForm says what the counts of a histogram count. Prometheus and Fluent Bit
// itself count in each bucket all values up to its bound, OpenTelemetry those between
// two bounds, and the chunk does not say which it is. The number of all values does:
// it is the last count in the first form, and the sum of the counts in the second. If
// it is both, all counts but the last are 0, and the forms are the same.
type bucketForm uint8

const (
	bucketsUnknown bucketForm = iota
	bucketsCumulative
	bucketsSeparate
)

// formOfBuckets returns the form of n counts.
func formOfBuckets(bucket cursor, n int, count cursor) bucketForm {
	total, ok := count.uint()
	if !ok {
		return bucketsUnknown
	}
	cumulative, sum, last := true, uint64(0), uint64(0)
	for ; n > 0; n-- {
		v, ok := bucket.uint()
		if !ok || v > math.MaxUint64-sum {
			return bucketsUnknown
		}
		cumulative = cumulative && v >= last
		sum, last = sum+v, v
		bucket = bucket.next()
	}
	switch {
	case cumulative && last == total:
		return bucketsCumulative
	case sum == total:
		return bucketsSeparate
	}
	return bucketsUnknown
}

// appendHistogram appends count, sum and buckets, whose counts are made cumulative,
// so that a reader needs not know the source. Counts of an unknown form stay as they
// are, and the field buckets_as_given says so.
func (m *metric) appendHistogram(h cursor) bool {
	bucket, n, ok := h.get("buckets").array()
	if !ok || n != m.bounds+1 || !bucket.areNumbers(n) ||
		!m.appendNumber("count", h.get("count")) || !m.appendNumber("sum", h.get("sum")) {
		return false
	}
	form := formOfBuckets(bucket, n, h.get("count"))
	m.beginField("buckets")
	m.eventBuf = appendHeader32(m.eventBuf, mpMap32, n)
	bound, sum := m.firstBound, uint64(0)
	for i := range n {
		if i < m.bounds {
			m.appendBound(bound)
			bound = bound.next()
		} else {
			m.eventBuf = appendFixstr(m.eventBuf, "+Inf")
		}
		if form == bucketsSeparate {
			v, _ := bucket.uint()
			sum += v
			m.eventBuf = binary.BigEndian.AppendUint64(append(m.eventBuf, mpUint64), sum)
		} else {
			m.eventBuf = append(m.eventBuf, bucket.raw()...)
		}
		bucket = bucket.next()
	}
	if form == bucketsUnknown {
		m.beginField("buckets_as_given")
		m.eventBuf = append(m.eventBuf, mpTrue)
	}
	return true
}

// appendBound appends the bound of a bucket, or a quantile, as a key. A bound that is
// infinite has the name of the last bucket, whose count then replaces its own: JSON
// would make it null.
func (m *metric) appendBound(bound cursor) {
	v := 0.0
	switch data := bound.raw(); data[0] {
	case mpFloat32:
		v = float64(math.Float32frombits(binary.BigEndian.Uint32(data[1:])))
	case mpFloat64:
		v = math.Float64frombits(binary.BigEndian.Uint64(data[1:]))
	}
	switch {
	case math.IsInf(v, 1):
		m.eventBuf = appendFixstr(m.eventBuf, "+Inf")
	case math.IsInf(v, -1):
		m.eventBuf = appendFixstr(m.eventBuf, "-Inf")
	default:
		m.eventBuf = append(m.eventBuf, bound.raw()...)
	}
}
