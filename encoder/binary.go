package encoder

import (
	"encoding/base64"
	"unicode/utf8"
)

// appendBinary appends a binary value: as a string if it is text, otherwise as a
// string of standard base64.
func appendBinary(dst, src []byte, pos, n int) []byte {
	if data := src[pos : pos+n]; !isText(data) {
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, data)
		return append(dst, '"')
	}
	return appendString(dst, src, pos, n)
}

// isText reports whether a binary value is text. Ruby writes strings without an
// encoding as binary, and with them Fluentd every line of a log; so a line that was
// cut within a character, or has some characters of another encoding, must not become
// base64. The rule:
//   - valid UTF-8 is text, whatever the characters;
//   - otherwise it is text if it has at most one ill-formed sequence for each four
//     bytes, and no control characters but those that text has: \b \t \n \v \f \r and
//     ESC, which begins colours. Each ill-formed sequence becomes U+FFFD, as in a string.
func isText(data []byte) bool {
	if utf8.Valid(data) {
		return true
	}
	for left := len(data) / 4; len(data) > 0; {
		c := data[0]
		if c < utf8.RuneSelf {
			if !textBytes[c] {
				return false
			}
			data = data[1:]
			continue
		}
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			n = illFormedLength(data)
			if left--; left < 0 {
				return false
			}
		}
		data = data[n:]
	}
	return true
}

// textBytes are the ASCII characters of text.
var textBytes = func() (table [utf8.RuneSelf]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != 0x7f || c >= '\b' && c <= '\r' || c == 0x1b
	}
	return table
}()
