package encoder

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// slack is the spare capacity that every string leaves behind its last byte.
// Whole words are stored, up to 7 bytes beyond the end, and the punctuation that
// follows needs no growth.
const slack = 16

const (
	ones     = 0x0101010101010101
	highBits = 0x8080808080808080
)

// stopBits has the high bit set for every byte of x that cannot be copied into a
// JSON string as it is: bytes below 0x20, '"', '\\', and bytes that are not ASCII.
// The other bits mean nothing. The lowest set bit is exact; above it a borrow can
// set false ones. The xor swaps 0x20 and 0x22, which puts the quote next to the
// control characters, so that one subtraction finds both.
func stopBits(x uint64) uint64 {
	return ((x ^ 0x02*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones) | x
}

func load(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func store(p unsafe.Pointer, i int, x uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, i))[:], x)
}

// appendString appends src[pos:pos+n], which must lie within src, as a JSON
// string: raw UTF-8, U+2028 and U+2029 as they are, and U+FFFD for each maximal
// ill-formed subsequence (WHATWG Encoding; Unicode 3.9, U+FFFD substitution of
// maximal subparts).
//
// It scans and copies in one pass, 8 bytes at a time, and stops only for bytes to
// escape and for bytes that are not ASCII. jsoniter's Stream.WriteString goes
// byte by byte and does not repair invalid UTF-8.
func appendString(dst, src []byte, pos, n int) []byte {
	if cap(dst)-len(dst) < n+2*slack {
		dst = slices.Grow(dst, n+2*slack)
	}
	if n == 0 { // otherwise p might point behind the memory of src
		return append(dst, '"', '"')
	}
	// Bounds: a word is loaded from within src[pos:pos+n] or, if pos+8 is not
	// beyond src, from within src; n+slack bytes of dst are spare.
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), pos)
	q := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), len(dst))
	*(*byte)(q) = '"'
	q = unsafe.Add(q, 1)
	// The last words overlap the words before them, so that the remainder needs
	// no code of its own.
	i := 0
	switch {
	case n >= 16:
		for ; i < n-16; i += 16 {
			x, y := load(p, i), load(p, i+8)
			store(q, i, x)
			store(q, i+8, y)
			if (stopBits(x)|stopBits(y))&highBits != 0 {
				return appendEscaped(dst[:len(dst)+1+i], src, pos+i, pos+n)
			}
		}
		x, y := load(p, n-16), load(p, n-8)
		store(q, n-16, x)
		store(q, n-8, y)
		if (stopBits(x)|stopBits(y))&highBits != 0 {
			return appendEscaped(dst[:len(dst)+1+i], src, pos+i, pos+n)
		}
	case n >= 8:
		x, y := load(p, 0), load(p, n-8)
		store(q, 0, x)
		store(q, n-8, y)
		if (stopBits(x)|stopBits(y))&highBits != 0 {
			return appendEscaped(dst[:len(dst)+1], src, pos, pos+n)
		}
	case pos+8 <= len(src):
		x := load(p, 0)
		store(q, 0, x)
		if stopBits(x)&highBits&(1<<(8*uint(n)&63)-1) != 0 {
			return appendEscaped(dst[:len(dst)+1], src, pos, pos+n)
		}
	default:
		return appendEscaped(dst[:len(dst)+1], src, pos, pos+n)
	}
	*(*byte)(unsafe.Add(q, n)) = '"'
	return dst[:len(dst)+n+2]
}

// appendEscaped does the rest of appendString, from where a byte may have to be
// escaped or repaired: it appends src[pos:end] and the closing quote.
func appendEscaped(dst, src []byte, pos, end int) []byte {
	for pos < end {
		switch {
		case src[pos] >= utf8.RuneSelf:
			dst, pos = appendNonASCII(dst, src, pos, end)
		case pos+2*blockSize <= len(src):
			dst, pos = appendBlocks(dst, src, pos, end)
		default:
			dst, pos = appendWords(dst, src, pos, end)
		}
	}
	return append(dst, '"')
}

// blockSize is the number of bytes that appendBlocks takes at a time: four words.
const blockSize = 32

// appendBlocks appends src[pos:end] up to bytes that copy3ByteRunes does not
// take, or up to where src has less than two blocks left, and returns that
// offset.
//
// In text with many escapes, most time would be spent on branches that are
// predicted wrong. Therefore a block is copied whole, all its stops are computed
// as a set of bits, and behind each escape the rest of the block is copied again:
// no branch depends on where the stops are, only on how many there are.
func appendBlocks(dst, src []byte, pos, end int) ([]byte, int) {
	p := unsafe.Pointer(unsafe.SliceData(src))
	outLen := len(dst)
next:
	for pos < end && pos+2*blockSize <= len(src) {
		if rest := end - pos + 6*blockSize + slack; cap(dst)-outLen < rest {
			dst = slices.Grow(dst[:outLen], rest)
		}
		q := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), outLen)
		x0, x1, x2, x3 := load(p, pos), load(p, pos+8), load(p, pos+16), load(p, pos+24)
		store(q, 0, x0)
		store(q, 8, x1)
		store(q, 16, x2)
		store(q, 24, x3)
		n := min(end-pos, blockSize) // bytes of the block that belong to the string
		x0, x1, x2, x3 = plainBits(x0), plainBits(x1), plainBits(x2), plainBits(x3)
		if x0&x1&x2&x3&highBits == highBits {
			pos += n
			outLen += n
			continue
		}
		stopMask := packHighBits(^x0) | packHighBits(^x1)<<8 | packHighBits(^x2)<<16 | packHighBits(^x3)<<24
		copied := 0
		for stopMask &= 1<<uint(n) - 1; stopMask != 0; stopMask &= stopMask - 1 {
			k := bits.TrailingZeros64(stopMask)
			q = unsafe.Add(q, k-copied)
			outLen += k - copied
			c := *(*byte)(unsafe.Add(p, pos+k))
			if c >= utf8.RuneSelf {
				pos += k
				n := copy3ByteRunes(q, src, pos, end)
				if n == 0 {
					return dst[:outLen], pos
				}
				pos += n
				outLen += n
				continue next
			}
			e := &escapes[c]
			store(q, 0, e.text)
			q = unsafe.Add(q, e.length)
			outLen += int(e.length)
			copied = k + 1
			r := unsafe.Add(p, pos+copied)
			store(q, 0, load(r, 0))
			store(q, 8, load(r, 8))
			store(q, 16, load(r, 16))
			store(q, 24, load(r, 24))
		}
		pos += n
		outLen += n - copied
	}
	return dst[:outLen], pos
}

// appendWords is appendBlocks for the end of src, word by word.
func appendWords(dst, src []byte, pos, end int) ([]byte, int) {
	for pos < end {
		if rest := end - pos + 2*slack; cap(dst)-len(dst) < rest {
			dst = slices.Grow(dst, rest)
		}
		n := min(end-pos, 8)
		x := loadPartial(src[pos : pos+n])
		q := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), len(dst))
		store(q, 0, x)
		k := min(bits.TrailingZeros64(stopBits(x)&highBits)>>3, n)
		dst, pos = dst[:len(dst)+k], pos+k
		if k == n {
			continue
		}
		if src[pos] >= utf8.RuneSelf {
			return dst, pos
		}
		e := &escapes[src[pos]]
		store(q, k, e.text)
		dst, pos = dst[:len(dst)+int(e.length)], pos+1
	}
	return dst, pos
}

// plainBits has the high bit set for exactly the bytes for which stopBits does
// not mean a stop.
func plainBits(x uint64) uint64 {
	ascii := x &^ highBits
	return ((ascii ^ 0x02*ones) + 0x5f*ones) & ((ascii ^ '\\'*ones) + 0x7f*ones) &^ x
}

// packHighBits returns the high bits of the 8 bytes of x as one byte.
func packHighBits(x uint64) uint64 { return (x & highBits >> 7) * 0x0102040810204080 >> 56 }

// loadPartial loads at most 8 bytes as a word, near the end of the chunk, where a
// whole word would reach beyond it.
func loadPartial(src []byte) uint64 {
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
