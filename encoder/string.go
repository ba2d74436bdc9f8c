package encoder

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// slack is the spare capacity every string leaves behind its last byte: whole
// words are stored, of which up to 7 bytes are beyond the end, and the
// punctuation that follows needs no growth.
const slack = 16

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// marks has the high bit set for every byte of x that cannot be copied into a
// JSON string unseen: those below 0x20, '"', '\\', and what is not ASCII. Other
// bits mean nothing. The lowest mark is exact; above it a borrow can leave
// false ones. The xor swaps 0x20 and 0x22, which makes the quote the neighbour
// of the control characters, so one subtraction finds both.
func marks(x uint64) uint64 {
	return (x ^ 0x02*ones) - 0x21*ones | (x ^ '\\'*ones) - ones | x
}

func load(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func store(p unsafe.Pointer, i int, x uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, i))[:], x)
}

// appendString appends src[pos:pos+n], which must lie within src, as a JSON
// string: raw UTF-8, U+2028 and U+2029 as they are, and U+FFFD for each
// maximal ill-formed subsequence (WHATWG Encoding; Unicode 3.9, U+FFFD
// substitution of maximal subparts).
//
// It scans and copies in one go, 8 bytes at a time, and stops only for bytes
// to escape and for what is not ASCII. jsoniter's Stream.WriteString goes byte
// by byte and passes invalid UTF-8 on.
func appendString(dst, src []byte, pos, n int) []byte {
	if cap(dst)-len(dst) < n+2*slack {
		dst = slices.Grow(dst, n+2*slack)
	}
	// Bounds: words are loaded from within src[pos:pos+n] or, where pos+8 is
	// not beyond src, from within src; n+slack bytes of dst are spare.
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), pos)
	q := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), len(dst))
	*(*byte)(q) = '"'
	q = unsafe.Add(q, 1)
	// The last words overlap what is done before them, so there is no rest to
	// treat in another way.
	i := 0
	switch {
	case n >= 16:
		for ; i < n-16; i += 16 {
			x, y := load(p, i), load(p, i+8)
			store(q, i, x)
			store(q, i+8, y)
			if (marks(x)|marks(y))&high != 0 {
				return appendEscaped(dst[:len(dst)+1+i], src[pos+i:pos+n])
			}
		}
		x, y := load(p, n-16), load(p, n-8)
		store(q, n-16, x)
		store(q, n-8, y)
		if (marks(x)|marks(y))&high != 0 {
			return appendEscaped(dst[:len(dst)+1+i], src[pos+i:pos+n])
		}
	case n >= 8:
		x, y := load(p, 0), load(p, n-8)
		store(q, 0, x)
		store(q, n-8, y)
		if (marks(x)|marks(y))&high != 0 {
			return appendEscaped(dst[:len(dst)+1], src[pos:pos+n])
		}
	case pos+8 <= len(src):
		x := load(p, 0)
		store(q, 0, x)
		if marks(x)&high&(1<<(8*uint(n)&63)-1) != 0 {
			return appendEscaped(dst[:len(dst)+1], src[pos:pos+n])
		}
	default:
		return appendEscaped(dst[:len(dst)+1], src[pos:pos+n])
	}
	*(*byte)(unsafe.Add(q, n)) = '"'
	return dst[:len(dst)+n+2]
}

// appendEscaped is the rest of appendString from where something may have to
// be escaped or repaired: it appends s and the closing quote.
func appendEscaped(dst, s []byte) []byte {
	p := unsafe.Pointer(unsafe.SliceData(s))
	q := unsafe.Pointer(unsafe.SliceData(dst))
	o := len(dst)
	for i := 0; ; {
		k := 0
		for {
			var stop uint64
			if i+16 <= len(s) {
				x, y := load(p, i), load(p, i+8)
				store(q, o, x)
				store(q, o+8, y)
				mx, my := marks(x)&high, marks(y)&high
				if mx|my == 0 {
					i += 16
					o += 16
					continue
				}
				stop, k = mx, 0
				if mx == 0 {
					stop, k = my, 8
				}
			} else {
				if i == len(s) {
					*(*byte)(unsafe.Add(q, o)) = '"'
					return dst[:o+1]
				}
				var x uint64
				m := len(s) - i
				if m >= 8 {
					x = load(p, i)
					m = 8
				} else {
					x = loadEnd(s[i:])
				}
				store(q, o, x)
				stop, k = marks(x)&high, 0
				if m < 8 {
					stop &= 1<<(8*uint(m)&63) - 1
				}
				if stop == 0 {
					i += m
					o += m
					continue
				}
			}
			k += bits.TrailingZeros64(stop) >> 3
			break
		}
		i += k
		o += k
		c := s[i]
		if c < utf8.RuneSelf {
			if rest := len(s) - i + 2*slack; cap(dst)-o < rest {
				dst = slices.Grow(dst[:o], rest)
				q = unsafe.Pointer(unsafe.SliceData(dst))
			}
			e := &escapes[c]
			store(q, o, e.text)
			o += int(e.length)
			i++
			continue
		}
		var used int
		dst, used = appendRunes(dst[:o], s[i:])
		q = unsafe.Pointer(unsafe.SliceData(dst))
		o = len(dst)
		i += used
	}
}

// appendRunes appends the run of non-ASCII bytes s begins with, repaired, and
// returns how many bytes that were. It leaves the slack appendString wants.
func appendRunes(dst, s []byte) ([]byte, int) {
	// Pairs of three-byte characters, which is most of the text that is not
	// Latin: 1110xxxx 10xxxxxx 10xxxxxx twice. The leads 0xe0 and 0xed, where
	// not every second byte is allowed, go the long way.
	const (
		frame = 0x0000c0c0f0c0c0f0
		pair  = 0x00008080e08080e0
	)
	i, o := 0, len(dst)
	p, q := unsafe.Pointer(unsafe.SliceData(s)), unsafe.Pointer(unsafe.SliceData(dst))
	for i+8 <= len(s) {
		x := load(p, i)
		if x&frame != pair || rare(byte(x)) || rare(byte(x>>24)) {
			break
		}
		store(q, o, x)
		i += 6
		o += 6
	}
	dst = dst[:o]
	for i < len(s) && s[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 {
			n = illFormed(s[i:])
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	if rest := len(s) - i + 2*slack; cap(dst)-len(dst) < rest {
		dst = slices.Grow(dst, rest)
	}
	return dst, i
}

func rare(lead byte) bool { return lead == 0xe0 || lead == 0xed }

// loadEnd loads the word at the end of the chunk, where less than 8 bytes are
// left.
func loadEnd(src []byte) uint64 {
	var word [8]byte
	copy(word[:], src)
	return binary.LittleEndian.Uint64(word[:])
}

// escape is the text of an escaped byte as a little-endian word.
type escape struct {
	text   uint64
	length uint8
}

var escapes = func() (table [256]escape) {
	set := func(c byte, text string) {
		var word [8]byte
		copy(word[:], text)
		table[c] = escape{binary.LittleEndian.Uint64(word[:]), uint8(len(text))}
	}
	const hex = "0123456789abcdef"
	for c := range byte(0x20) {
		set(c, `\u00`+string(hex[c>>4])+string(hex[c&15]))
	}
	set('\b', `\b`)
	set('\f', `\f`)
	set('\n', `\n`)
	set('\r', `\r`)
	set('\t', `\t`)
	set('"', `\"`)
	set('\\', `\\`)
	return table
}()

// illFormed returns the length of the maximal ill-formed subsequence at the
// beginning of s: as many bytes as could still have become a character
// (Unicode table 3-7), at least one. Go's own conversions would put one U+FFFD
// for each of these bytes.
func illFormed(s []byte) int {
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
	default: // a two-byte lead without its second byte, or no lead at all
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

// appendBinary appends a binary value: as a string where it is valid UTF-8,
// else as a string of standard base64.
func appendBinary(dst, src []byte, pos, n int) []byte {
	if data := src[pos : pos+n]; !utf8.Valid(data) {
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, data)
		return append(dst, '"')
	}
	return appendString(dst, src, pos, n)
}
