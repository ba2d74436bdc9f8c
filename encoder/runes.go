package encoder

import (
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// copy3ByteRunes copies the three-byte characters at the beginning of
// src[pos:end] to q, and short pieces of ASCII between them, and returns how many
// bytes it copied. It stops at a byte that must be escaped, and where no whole
// word can be loaded. Most text that is not Latin is of this kind: 1110xxxx
// 10xxxxxx 10xxxxxx. It stops at the leads 0xe0 and 0xed too, which do not allow
// every second byte.
func copy3ByteRunes(q unsafe.Pointer, src []byte, pos, end int) int {
	const (
		markerMask = 0xc0c0f0
		markerBits = 0x8080e0
	)
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), pos)
	i := 0
	for n := end - pos; i+8 <= n; {
		x := load(p, i)
		store(q, i, x)
		switch {
		case x&markerMask == markerBits && !restrictedLead(x):
			i += 3
		case byte(x) < utf8.RuneSelf:
			k := bits.TrailingZeros64(stopBits(x)&highBits) >> 3
			i += k
			if k == 0 || k == 8 { // a byte to escape, or more ASCII
				return i
			}
		default:
			return i
		}
	}
	return i
}

// restrictedLead reports whether the first byte of x is 0xe0 or 0xed.
func restrictedLead(x uint64) bool { return byte(x) == 0xe0 || byte(x) == 0xed }

// appendNonASCII appends the run of non-ASCII bytes at the beginning of
// src[pos:end], repaired, and returns the offset behind it.
func appendNonASCII(dst, src []byte, pos, end int) ([]byte, int) {
	if rest := end - pos + slack; cap(dst)-len(dst) < rest {
		dst = slices.Grow(dst, rest)
	}
	outLen := len(dst)
	n := copy3ByteRunes(unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), outLen), src, pos, end)
	dst, pos = dst[:outLen+n], pos+n
	for pos < end && src[pos] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(src[pos:end])
		if r == utf8.RuneError && n == 1 {
			n = illFormedLength(src[pos:end])
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, src[pos:pos+n]...)
		}
		pos += n
	}
	return dst, pos
}

// illFormedLength returns the length of the maximal ill-formed subsequence at the
// beginning of s: as many bytes as could still have become a character (Unicode
// table 3-7), at least one. Go's own conversions would write one U+FFFD for each
// of these bytes.
func illFormedLength(s []byte) int {
	lo, hi, more := byte(0x80), byte(0xbf), 1 // the range of byte 2, continuation bytes after it
	switch c := s[0]; {
	case c == 0xe0:
		lo = 0xa0
	case c == 0xed:
		hi = 0x9f
	case c >= 0xe1 && c <= 0xef:
	case c == 0xf0:
		lo, more = 0x90, 2
	case c == 0xf4:
		hi, more = 0x8f, 2
	case c >= 0xf1 && c <= 0xf3:
		more = 2
	default: // a two-byte lead without its second byte, or not a lead
		return 1
	}
	if len(s) < 2 || s[1] < lo || s[1] > hi {
		return 1
	}
	if more == 2 && len(s) > 2 && s[2]&0xc0 == 0x80 {
		return 3
	}
	return 2
}
