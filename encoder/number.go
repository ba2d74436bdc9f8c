package encoder

import "math"

// The jsoniter.Stream of the walker writes numbers, and borrows the buffer for the
// call. Where this file does not use it, a comment gives the reason.

func (w *walker) appendInt(dst []byte, v int64) []byte {
	w.stream.SetBuffer(dst)
	w.stream.WriteInt64(v)
	return w.stream.Buffer()
}

func (w *walker) appendUint(dst []byte, v uint64) []byte {
	w.stream.SetBuffer(dst)
	w.stream.WriteUint64(v)
	return w.stream.Buffer()
}

// appendFloat32 and appendFloat64 append the shortest decimal that reads back as
// the same number, with an exponent below 1e-6 and from 1e21 on, as encoding/json
// does. NaN and infinities, for which JSON has no number, become null; the Stream
// would write nothing and keep an error.

func (w *walker) appendFloat32(dst []byte, v float32) []byte {
	if v != v || math.IsInf(float64(v), 0) {
		return append(dst, "null"...)
	}
	w.stream.SetBuffer(dst)
	w.stream.WriteFloat32(v)
	return shortenExponent(w.stream.Buffer())
}

func (w *walker) appendFloat64(dst []byte, v float64) []byte {
	if micros, ok := exactMicros(v); ok {
		return w.appendMicros(dst, micros)
	}
	if v != v || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	w.stream.SetBuffer(dst)
	w.stream.WriteFloat64(v)
	return shortenExponent(w.stream.Buffer())
}

// exactMicros returns v in millionths, if v is the float64 of a number with at
// most six decimals, as most measurements are. The millionths, at most 15 digits,
// and 1e6 are exact as float64, so the quotient is the float64 closest to the
// decimal number. If that is v, the decimal reads back as v. No other decimal of
// 15 digits does, so it is the shortest once its trailing zeros are removed.
//
// The general search for the shortest decimal takes several times as long.
func exactMicros(v float64) (micros int64, ok bool) {
	if !(math.Abs(v) < 1e9) || v == 0 { // too large, NaN, or 0, since -0 is "-0"
		return 0, false
	}
	scaled := math.RoundToEven(v * 1e6)
	return int64(scaled), scaled/1e6 == v
}

func (w *walker) appendMicros(dst []byte, micros int64) []byte {
	if micros < 0 {
		dst = append(dst, '-')
		micros = -micros
	}
	whole, fraction := uint64(micros)/1e6, uint32(uint64(micros)%1e6)
	dst = w.appendUint(dst, whole)
	if fraction == 0 {
		return dst
	}
	dst = append(dst, '.')
	for scale := uint32(100_000); fraction > 0; scale /= 10 {
		digit := fraction / scale
		dst = append(dst, byte('0'+digit))
		fraction -= digit * scale
	}
	return dst
}

// shortenExponent turns e-07 at the end of dst into e-7, as encoding/json does.
func shortenExponent(dst []byte) []byte {
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
