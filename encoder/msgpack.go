package encoder

import "encoding/binary"

// The lead bytes of msgpack that are not ranges (msgpack specification, section
// Formats).
const (
	mpNil       = 0xc0
	mpNeverUsed = 0xc1
	mpFalse     = 0xc2
	mpTrue      = 0xc3
	mpBin8      = 0xc4
	mpBin16     = 0xc5
	mpBin32     = 0xc6
	mpExt8      = 0xc7
	mpExt16     = 0xc8
	mpExt32     = 0xc9
	mpFloat32   = 0xca
	mpFloat64   = 0xcb
	mpUint8     = 0xcc
	mpUint16    = 0xcd
	mpUint32    = 0xce
	mpUint64    = 0xcf
	mpInt8      = 0xd0
	mpInt16     = 0xd1
	mpInt32     = 0xd2
	mpInt64     = 0xd3
	mpFixext1   = 0xd4
	mpFixext8   = 0xd7
	mpFixext16  = 0xd8
	mpStr8      = 0xd9
	mpStr16     = 0xda
	mpStr32     = 0xdb
	mpArray16   = 0xdc
	mpArray32   = 0xdd
	mpMap16     = 0xde
	mpMap32     = 0xdf
)

// maxDepth bounds maps and arrays within each other, and with them the stack. The
// map of the event itself is level 1.
const maxDepth = 128

// A length of msgpack has 32 bits, and sums of them are computed with int, which must
// have 64: otherwise this does not compile.
const _ int = 1 << 62

func be16(src []byte, pos int) int { return int(binary.BigEndian.Uint16(src[pos:])) }
func be32(src []byte, pos int) int { return int(binary.BigEndian.Uint32(src[pos:])) }

// skip returns the offset behind the object at pos, or a fault. It uses no stack:
// it counts the objects that are still to come. A deeply nested object therefore
// costs no memory, and a header that claims more objects than there are bytes is
// a fault at once.
//
// msgp.Skip is not used: it recurses up to 100,000 levels, and its errors
// allocate.
func skip(src []byte, pos int) int {
	for left := 1; left > 0; left-- {
		if left > len(src)-pos {
			return faultEnd
		}
		c := src[pos]
		switch {
		case c < 0x80 || c >= 0xe0: // fixint
			pos++
		case c < 0x90: // fixmap
			pos++
			left += 2 * int(c&0x0f)
		case c < 0xa0: // fixarray
			pos++
			left += int(c & 0x0f)
		case c < 0xc0: // fixstr
			pos += 1 + int(c&0x1f)
		case c == mpNeverUsed:
			return faultNeverUsed
		default:
			s := &formats[c-0xc0]
			body := pos + int(s.header)
			if body > len(src) {
				return faultEnd
			}
			n := 0
			switch s.header - s.fixed {
			case 2:
				n = int(src[pos+1])
			case 3:
				n = be16(src, pos+1)
			case 5:
				n = be32(src, pos+1)
			}
			pos = body + n*int(s.bytes)
			left += n * int(s.objects)
		}
	}
	if pos > len(src) {
		return faultEnd
	}
	return pos
}

// format describes an object with one of the lead bytes 0xc0 to 0xdf. header
// counts the bytes in front of its contents; fixed of them are neither the lead
// byte nor the length. Behind the header come length*bytes bytes or length*objects
// objects.
type format struct{ header, fixed, bytes, objects uint8 }

var formats = [32]format{
	{header: 1}, {header: 1}, {header: 1}, {header: 1}, // nil, never, false, true
	{header: 2, bytes: 1}, {header: 3, bytes: 1}, {header: 5, bytes: 1}, // bin
	{header: 3, fixed: 1, bytes: 1}, {header: 4, fixed: 1, bytes: 1}, {header: 6, fixed: 1, bytes: 1}, // ext
	{header: 5, fixed: 4}, {header: 9, fixed: 8}, // float
	{header: 2, fixed: 1}, {header: 3, fixed: 2}, {header: 5, fixed: 4}, {header: 9, fixed: 8}, // uint
	{header: 2, fixed: 1}, {header: 3, fixed: 2}, {header: 5, fixed: 4}, {header: 9, fixed: 8}, // int
	{header: 3, fixed: 2}, {header: 4, fixed: 3}, {header: 6, fixed: 5}, {header: 10, fixed: 9}, {header: 18, fixed: 17}, // fixext
	{header: 2, bytes: 1}, {header: 3, bytes: 1}, {header: 5, bytes: 1}, // str
	{header: 3, objects: 1}, {header: 5, objects: 1}, // array
	{header: 3, objects: 2}, {header: 5, objects: 2}, // map
}

// isContainer reports whether the value at pos is a map or an array.
func isContainer(src []byte, pos int) bool {
	if pos >= len(src) {
		return false
	}
	c := src[pos]
	return c&0xe0 == 0x80 || c >= mpArray16 && c <= mpMap32
}

// isExt reports whether the value at pos is an ext.
func isExt(src []byte, pos int) bool {
	if pos >= len(src) {
		return false
	}
	c := src[pos]
	return c >= mpExt8 && c <= mpExt32 || c >= mpFixext1 && c <= mpFixext16
}

// mapHeader reads the map header at pos: the number of entries and the offset of
// the first key. ok is false if the value is not a map. If the header is cut off,
// or claims more entries than bytes follow, next is a fault.
func mapHeader(src []byte, pos int) (n, next int, ok bool) {
	if pos >= len(src) {
		return 0, faultEnd, true
	}
	switch c := src[pos]; {
	case c&0xf0 == 0x80:
		n, next = int(c&0x0f), pos+1
	case c == mpMap16:
		if next = pos + 3; next > len(src) {
			return 0, faultEnd, true
		}
		n = be16(src, pos+1)
	case c == mpMap32:
		if next = pos + 5; next > len(src) {
			return 0, faultEnd, true
		}
		n = be32(src, pos+1)
	default:
		return 0, pos, false
	}
	if n > (len(src)-next)/2 {
		next = faultEnd
	}
	return n, next, true
}

// arrayHeader is mapHeader for arrays. One function for both, which reads the length
// by formats, as skip does, makes an event of one field slower by a tenth.
func arrayHeader(src []byte, pos int) (n, next int, ok bool) {
	if pos >= len(src) {
		return 0, faultEnd, true
	}
	switch c := src[pos]; {
	case c&0xf0 == 0x90:
		n, next = int(c&0x0f), pos+1
	case c == mpArray16:
		if next = pos + 3; next > len(src) {
			return 0, faultEnd, true
		}
		n = be16(src, pos+1)
	case c == mpArray32:
		if next = pos + 5; next > len(src) {
			return 0, faultEnd, true
		}
		n = be32(src, pos+1)
	default:
		return 0, pos, false
	}
	if n > len(src)-next {
		next = faultEnd
	}
	return n, next, true
}

// stringHeader reads the header of a string at pos, or with binToo also of a bin:
// the length and the offset of the first byte. ok is false if the value is
// something else or is cut off.
func stringHeader(src []byte, pos int, binToo bool) (n, start int, ok bool) {
	if pos >= len(src) {
		return 0, 0, false
	}
	c := src[pos]
	if c&0xe0 == 0xa0 {
		n, start = int(c&0x1f), pos+1
		return n, start, n <= len(src)-start
	}
	if binToo && c >= mpBin8 && c <= mpBin32 {
		c += mpStr8 - mpBin8
	}
	if c < mpStr8 || c > mpStr32 {
		return 0, 0, false
	}
	start = pos + 1 + 1<<(c-mpStr8)
	if start > len(src) {
		return 0, 0, false
	}
	switch c {
	case mpStr8:
		n = int(src[pos+1])
	case mpStr16:
		n = be16(src, pos+1)
	default:
		n = be32(src, pos+1)
	}
	return n, start, n <= len(src)-start
}
