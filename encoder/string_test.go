package encoder

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// referenceString is a slow appendString: the UTF-8 decoder of the WHATWG
// Encoding standard, then RFC 8259.
func referenceString(s []byte) string {
	var out strings.Builder
	out.WriteByte('"')
	write := func(r rune) {
		switch short := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case short >= 0:
			out.WriteByte('\\')
			out.WriteByte(`"\bfnrt`[short])
		case r < 0x20:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	var (
		point        rune
		needed, seen int
		lower, upper = byte(0x80), byte(0xbf)
	)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if needed == 0 {
			switch {
			case c <= 0x7f:
				write(rune(c))
			case c >= 0xc2 && c <= 0xdf:
				needed, point = 1, rune(c&0x1f)
			case c >= 0xe0 && c <= 0xef:
				if c == 0xe0 {
					lower = 0xa0
				} else if c == 0xed {
					upper = 0x9f
				}
				needed, point = 2, rune(c&0xf)
			case c >= 0xf0 && c <= 0xf4:
				if c == 0xf0 {
					lower = 0x90
				} else if c == 0xf4 {
					upper = 0x8f
				}
				needed, point = 3, rune(c&0x7)
			default:
				write(0xfffd)
			}
			continue
		}
		inside := c >= lower && c <= upper
		lower, upper = 0x80, 0xbf
		if !inside {
			needed, seen = 0, 0
			write(0xfffd)
			i-- // the byte begins something else
			continue
		}
		point = point<<6 | rune(c&0x3f)
		if seen++; seen == needed {
			write(point)
			needed, seen = 0, 0
		}
	}
	if needed > 0 {
		write(0xfffd)
	}
	return out.String() + `"`
}

// checkString compares appendString with the reference. The string begins at the
// offset before of a chunk that has after bytes behind it.
func checkString(t *testing.T, s []byte, before, after int) {
	t.Helper()
	chunk := bytes.Repeat([]byte{0xe6}, before)
	chunk = append(append(chunk, s...), bytes.Repeat([]byte{0xa5}, after)...)
	want := referenceString(s)
	for _, room := range []int{0, 10 * len(s)} {
		dst := make([]byte, 3, 3+room)
		got := appendString(dst, chunk[:len(chunk):len(chunk)], before, len(s))
		if string(got[3:]) != want {
			t.Fatalf("%q before %d bytes, room %d:\ngot  %q\nwant %q", s, after, room, got[3:], want)
		}
	}
}

// TestStringOffsets puts every special sequence at every offset of strings whose
// lengths are around those of words and blocks, near to and far from the end of
// the chunk.
func TestStringOffsets(t *testing.T) {
	specials := []string{
		"", `"`, `\`, "\n", "\x00", "\x1f", " ", "!", "#", "\x7f", "<", "é", "日", "日本", "日本語", "😀", "\u2028",
		"\x80", "\xff", "\xe6", "\xe6\x97", "\xe0\xa0\x80", "\xe0\x80\x80", "\xed\x9f\xbf", "\xed\xa0\x80",
		"\xf0\x9f\x98", "\xf4\x90\x80\x80", "日\xe6\x97本", "\"\\\"\\", "\n日\n", "\x01\x01\x01\x01\x01\x01\x01\x01\x01",
	}
	for _, special := range specials {
		for _, length := range []int{0, 1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 63, 64, 65, 100} {
			for place := 0; place <= length; place += 1 + place/20 {
				s := strings.Repeat("x", place) + special + strings.Repeat("y", length-place)
				for _, after := range []int{0, 1, 8, 63, 64, 200} {
					checkString(t, []byte(s), place%3, after)
				}
			}
		}
	}
}

// TestEveryByte puts every byte before each byte at which something changes,
// alone and behind a block.
func TestEveryByte(t *testing.T) {
	for a := range 256 {
		for _, b := range []byte("\x00\x1f\x20\x22\x5c\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xe0\xed\xf0\xf4\xff") {
			s := []byte{byte(a), b}
			checkString(t, s, 0, 100)
			checkString(t, append(bytes.Repeat([]byte("."), 31), s...), 0, 100)
		}
	}
}

// FuzzStrings compares appendString with the reference.
func FuzzStrings(f *testing.F) {
	f.Add([]byte("订单 1 处理失败：库存不足。\n\tat \"x\"\xe6\x97 C:\\data"), uint8(0), uint8(70))
	f.Add([]byte(strings.Repeat("日本語\xed\xa0\x80\x01", 20)), uint8(1), uint8(3))
	f.Fuzz(func(t *testing.T, s []byte, before, after uint8) {
		checkString(t, s, int(before), int(after))
	})
}
