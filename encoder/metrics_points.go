package encoder

import (
	"encoding/binary"
	"math"
)

// float returns a number that is not an integer.
func (c cursor) float() float64 {
	switch data := c.raw(); data[0] {
	case mpFloat32:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(data[1:])))
	case mpFloat64:
		return math.Float64frombits(binary.BigEndian.Uint64(data[1:]))
	}
	return 0
}

// number returns any number as a float64.
func (c cursor) number() float64 {
	if v, unsigned, ok := readInt(c.src, c.pos); ok && unsigned {
		return float64(uint64(v))
	} else if ok {
		return float64(v)
	}
	return c.float()
}

// readPoints reads the value of the sample: its points, its count and its sum. It
// returns false if the sample does not have the layout of cmetrics.
func (s *series) readPoints(m *metric, sample cursor) bool {
	s.points, s.sum, s.isBits = s.points[:0], cursor{pos: -1}, false
	switch m.kind {
	case typeHistogram:
		return s.readHistogram(m, sample.get("histogram"))
	case typeSummary:
		return s.readSummary(m, sample.get("summary"))
	case typeExponential:
		return s.readExponential(sample.get("exp_histogram"))
	}
	for _, name := range [...]string{"value_int64", "value_uint64", "value"} {
		if s.count = sample.get(name); s.count.pos >= 0 {
			return s.count.isNumber()
		}
	}
	return false
}

// addBucket adds a bucket with all values up to its bound. A bound that is not above the
// one before, as rounding and infinity make it, is left out.
func (s *series) addBucket(bound float64, cumulative uint64) {
	last := math.Inf(-1)
	if n := len(s.points); n > 0 {
		last = s.points[n-1].bound
	}
	if bound > last && !math.IsInf(bound, 1) {
		s.points = append(s.points, point{bound, cumulative})
	}
}

// addLastBucket adds the bucket of all values.
func (s *series) addLastBucket(cumulative uint64) {
	s.points = append(s.points, point{math.Inf(1), cumulative})
}

// readHistogram reads buckets, whose counts are made cumulative: see bucketForm. If
// neither form fits, because the source changed while it was read, counts that never
// fall are cumulative.
func (s *series) readHistogram(m *metric, h cursor) bool {
	bucket, n, ok := h.get("buckets").array()
	s.count, s.sum = h.get("count"), h.get("sum")
	if !ok || n != m.bounds+1 || !bucket.areNumbers(n) || !s.count.isNumber() || !s.sum.isNumber() {
		return false
	}
	form := formOfBuckets(bucket, n, s.count)
	if form == bucketsUnknown && neverFalls(bucket, n) {
		form = bucketsCumulative
	}
	bound, total := m.firstBound, uint64(0)
	for i := range n {
		v, ok := bucket.uint()
		if !ok {
			return false
		}
		if total += v; form == bucketsCumulative {
			total = v
		}
		if i == m.bounds {
			s.addLastBucket(total)
			break
		}
		s.addBucket(bound.number(), total)
		bound, bucket = bound.next(), bucket.next()
	}
	return true
}

func neverFalls(bucket cursor, n int) bool {
	for last := uint64(0); n > 0; n-- {
		v, ok := bucket.uint()
		if !ok || v < last {
			return false
		}
		bucket, last = bucket.next(), v
	}
	return true
}

func (s *series) readSummary(m *metric, h cursor) bool {
	value, n, ok := h.get("quantiles").array()
	s.count, s.sum, s.isBits = h.get("count"), h.get("sum"), true
	_, isBits := s.sum.uint()
	set, hasSet := h.get("quantiles_set").uint()
	if !ok || n != m.bounds || !s.count.isNumber() || !isBits || !hasSet {
		return false
	}
	quantile := m.firstBound
	for ; n > 0 && set != 0; n-- {
		bits, ok := value.uint()
		if !ok {
			return false
		}
		s.points = append(s.points, point{quantile.number(), bits})
		quantile, value = quantile.next(), value.next()
	}
	return true
}

// readExponential makes buckets with bounds of the exponential ones: bucket i of the
// positive ones counts values above base^(offset+i) up to base^(offset+i+1), where base
// is 2^(2^-scale), and the negative ones do the same below zero.
func (s *series) readExponential(h cursor) bool {
	s.count, s.isBits = h.get("count"), true
	total, ok := s.count.uint()
	scale, isScale := h.get("scale").int()
	zero, isZero := h.get("zero_count").uint()
	threshold := h.get("zero_threshold")
	if !ok || !isScale || !isZero || !threshold.isNumber() {
		return false
	}
	if set, _ := h.get("sum_set").uint(); set != 0 {
		if s.sum = h.get("sum"); s.sum.pos < 0 {
			return false
		}
		if _, ok := s.sum.uint(); !ok {
			return false
		}
	}
	negative, negatives, ok := readCounts(h, "negative_offset", "negative_buckets")
	positive, positives, ok2 := readCounts(h, "positive_offset", "positive_buckets")
	if !ok || !ok2 {
		return false
	}
	counted := s.addNegative(scale, negative, negatives)
	if counted += zero; zero > 0 || negatives > 0 {
		s.addBucket(threshold.number(), counted)
	}
	for i, bucket := 0, positive.first; i < positives; i++ {
		v, _ := bucket.uint()
		counted += v
		s.addBucket(exponentialBound(scale, positive.offset+int64(i)+1), counted)
		bucket = bucket.next()
	}
	s.addLastBucket(total)
	return true
}

// exponentialSide are the buckets above or below zero.
type exponentialSide struct {
	first  cursor
	offset int64
}

func readCounts(h cursor, offset, buckets string) (side exponentialSide, n int, ok bool) {
	if side.first, n, ok = h.get(buckets).array(); !ok {
		return side, 0, false
	}
	if side.offset, ok = h.get(offset).int(); !ok {
		return side, 0, false
	}
	bucket := side.first
	for range n {
		if _, ok := bucket.uint(); !ok {
			return side, 0, false
		}
		bucket = bucket.next()
	}
	return side, n, true
}

// addNegative adds the buckets below zero, which the sample has in the order of their
// distance from zero, and returns how many values they count. Bucket i reaches up to
// -base^(offset+i).
func (s *series) addNegative(scale int64, side exponentialSide, n int) (counted uint64) {
	first := len(s.points)
	for i, bucket := 0, side.first; i < n; i++ {
		v, _ := bucket.uint()
		s.points = append(s.points, point{-exponentialBound(scale, side.offset+int64(i)), v})
		bucket = bucket.next()
	}
	own := s.points[first:]
	for i, j := 0, len(own)-1; i < j; i, j = i+1, j-1 {
		own[i], own[j] = own[j], own[i]
	}
	s.points = s.points[:first] // what addBucket writes is at or in front of what is read
	for _, p := range own {
		counted += p.value
		s.addBucket(p.bound, counted)
	}
	return counted
}

// exponentialBound returns base^index, where base is 2^(2^-scale).
func exponentialBound(scale, index int64) float64 {
	return math.Exp2(math.Ldexp(float64(index), int(max(-2000, min(2000, -scale)))))
}
