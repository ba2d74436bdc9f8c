package encoder

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// maxSec bounds event times. The milliseconds of such a time fit an int64, which
// is what Kafka carries, and a float64 still distinguishes single seconds.
const maxSec = 1 << 53

// The EventTime of an OTLP group marker has these seconds (Fluent Bit 5.1.1,
// include/fluent-bit/flb_log_event.h).
const (
	groupStart = 0xffffffff
	groupEnd   = 0xfffffffe
)

// readTime reads the event time at pos. marker is groupStart or groupEnd if the
// time is such a marker, otherwise 0. next is a fault if the value is not a time.
func readTime(src []byte, pos int) (sec int64, nsec int32, marker uint32, next int) {
	if pos >= len(src) {
		return 0, 0, 0, faultEnd
	}
	c := src[pos]
	if pos+10 <= len(src) && c == mpFixext8 && src[pos+1] == 0 {
		sec, nsec = eventTime(src[pos+2:])
		return sec, nsec, groupMarker(src[pos+2:]), pos + 10
	}
	if next = skip(src, pos); next < 0 {
		return 0, 0, 0, next
	}
	switch {
	case c == mpExt8 && src[pos+1] == 8 && src[pos+2] == 0:
		sec, nsec = eventTime(src[pos+3:])
		return sec, nsec, groupMarker(src[pos+3:]), next
	case c == mpFloat32:
		sec, nsec, next = floatTime(float64(math.Float32frombits(uint32(be32(src, pos+1)))), next)
	case c == mpFloat64:
		sec, nsec, next = floatTime(math.Float64frombits(binary.BigEndian.Uint64(src[pos+1:])), next)
	default:
		v, unsigned, ok := readInt(src, pos)
		switch {
		case !ok:
			next = faultTimeType
		case unsigned && uint64(v) > maxSec || !unsigned && (v > maxSec || v < -maxSec):
			next = faultTimeRange
		default:
			sec = v
		}
	}
	return sec, nsec, 0, next
}

// eventTime decodes the 8 bytes of a Fluentd EventTime: seconds and nanoseconds,
// unsigned (Forward protocol v1). Nanoseconds beyond a second are carried over.
func eventTime(data []byte) (sec int64, nsec int32) {
	ns := binary.BigEndian.Uint32(data[4:])
	return int64(binary.BigEndian.Uint32(data)) + int64(ns/1e9), int32(ns % 1e9)
}

// groupMarker returns the seconds of an EventTime if they are those of a marker and
// it has no nanoseconds; otherwise 0.
func groupMarker(data []byte) uint32 {
	if sec := binary.BigEndian.Uint32(data); sec >= groupEnd && binary.BigEndian.Uint32(data[4:]) == 0 {
		return sec
	}
	return 0
}

// floatTime splits t, in seconds, and rounds to the nearest nanosecond.
func floatTime(t float64, next int) (int64, int32, int) {
	if !(math.Abs(t) <= maxSec) {
		return 0, 0, faultTimeRange
	}
	whole := math.Floor(t)
	nsec := math.Round((t - whole) * 1e9)
	if nsec >= 1e9 {
		whole, nsec = whole+1, 0
	}
	return int64(whole), int32(nsec), next
}

// readInt reads the integer at pos, which must be whole. A uint64 is returned as
// the int64 of the same bits, with unsigned set.
func readInt(src []byte, pos int) (v int64, unsigned, ok bool) {
	switch c := src[pos]; {
	case c < 0x80:
		return int64(c), false, true
	case c >= 0xe0:
		return int64(int8(c)), false, true
	case c == mpUint8:
		return int64(src[pos+1]), false, true
	case c == mpUint16:
		return int64(be16(src, pos+1)), false, true
	case c == mpUint32:
		return int64(be32(src, pos+1)), false, true
	case c == mpUint64:
		return int64(binary.BigEndian.Uint64(src[pos+1:])), true, true
	case c == mpInt8:
		return int64(int8(src[pos+1])), false, true
	case c == mpInt16:
		return int64(int16(be16(src, pos+1))), false, true
	case c == mpInt32:
		return int64(int32(be32(src, pos+1))), false, true
	case c == mpInt64:
		return int64(binary.BigEndian.Uint64(src[pos+1:])), false, true
	}
	return 0, false, false
}

// appendTime appends the time in the given format, as a JSON value.
func (w *walker) appendTime(dst []byte, sec int64, nsec int32, f TimeFormat) []byte {
	switch f {
	case TimeEpoch:
		dst, sec, nsec = appendSign(dst, sec, nsec)
		dst = strconv.AppendInt(dst, sec, 10)
		return appendNanos(append(dst, '.'), nsec)
	case TimeEpochMillis:
		return strconv.AppendInt(dst, sec*1000+int64(nsec/1e6), 10)
	case TimeEpochNanos:
		dst, sec, nsec = appendSign(dst, sec, nsec)
		if sec == 0 {
			return strconv.AppendInt(dst, int64(nsec), 10)
		}
		return appendNanos(strconv.AppendInt(dst, sec, 10), nsec)
	}
	return w.appendISO(dst, sec, nsec)
}

// appendISO appends the time as a string in UTC. The text of the second is kept,
// since most events of a chunk share a few seconds.
func (w *walker) appendISO(dst []byte, sec int64, nsec int32) []byte {
	if sec != w.isoPrefixSec || len(w.isoPrefix) == 0 {
		w.isoPrefix = time.Unix(sec, 0).UTC().AppendFormat(append(w.isoPrefix[:0], '"'), "2006-01-02T15:04:05.")
		w.isoPrefixSec = sec
	}
	dst = append(dst, w.isoPrefix...)
	return append(appendNanos(dst, nsec), 'Z', '"')
}

// appendSign appends the minus sign of a time before 1970 and returns the
// magnitude of the time.
func appendSign(dst []byte, sec int64, nsec int32) ([]byte, int64, int32) {
	if sec >= 0 {
		return dst, sec, nsec
	}
	if nsec > 0 {
		sec, nsec = sec+1, 1e9-nsec
	}
	return append(dst, '-'), -sec, nsec
}

// appendNanos appends nine digits, which are computed independently of each
// other.
func appendNanos(dst []byte, nsec int32) []byte {
	n := uint32(nsec)
	high, low := n/10000, n%10000
	first, mid := high/10000, high%10000
	a, b, c, d := mid/100, mid%100, low/100, low%100
	return append(dst, byte('0'+first), byte('0'+a/10), byte('0'+a%10), byte('0'+b/10), byte('0'+b%10),
		byte('0'+c/10), byte('0'+c%10), byte('0'+d/10), byte('0'+d%10))
}
