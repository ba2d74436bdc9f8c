package encoder

import "unicode/utf8"

// truncatedField marks a cut record. It is added at the end, so that no other
// byte moves.
const (
	truncatedKey   = `"__truncated__"`
	truncatedField = truncatedKey + `:true`
)

// truncate cuts the record at start of b.Buf to Options.MaxBytes, as described at
// OversizeTruncate. If that is not possible, it returns false and leaves the
// record as it is.
//
// It reads the JSON that was written, instead of looking for the longest string
// during encoding: only a record that is too large pays for it.
func (e *Encoder) truncate(b *Batch, start int) bool {
	text := b.Buf[start:]
	if b.w.rawText {
		b.Buf = b.Buf[:start+runeBoundary(text, e.opts.MaxBytes)]
		return true
	}
	if text[0] != '{' { // FormatRaw, and the value is an array or a number
		return false
	}
	l := scan(text)
	markLen := l.mark.End - l.mark.Start
	growth := len(truncatedField) + 1 - markLen
	if markLen == len(text)-2 { // the record has no other field, so it gets no comma
		growth--
	}
	excess := len(text) + growth - e.opts.MaxBytes
	cut := l.longest
	keep := lengthToKeep(text[cut.Start:cut.End], excess)
	if keep < 0 {
		return false
	}
	text = append(text[:cut.Start+keep], text[cut.End:]...)
	if markLen > 0 {
		markStart, markEnd := l.mark.Start, l.mark.End
		if cut.Start < markStart {
			removed := cut.End - cut.Start - keep
			markStart, markEnd = markStart-removed, markEnd-removed
		}
		text = append(text[:markStart], text[markEnd:]...)
	}
	text = text[:len(text)-1]
	if len(text) > 1 {
		text = append(text, ',')
	}
	text = append(text, truncatedField+"}"...)
	b.Buf = append(b.Buf[:start], text...)
	return true
}

// runeBoundary returns the largest n <= limit that does not split a character of
// text, which has more than limit bytes. In invalid UTF-8 it steps back at most 3
// bytes.
func runeBoundary(text []byte, limit int) int {
	for n := limit; n >= 0 && n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return limit
}

// layout is what truncate needs to know of a JSON object: the range of its
// longest string value, without the quotes, and the range of its first-level
// truncatedKey entry, with one comma. The strings of that entry do not count.
type layout struct{ longest, mark Span }

// scan finds the layout of an object that the walker wrote: valid JSON without
// white space.
func scan(text []byte) (l layout) {
	depth, entryStart, inMark := 1, 1, false
	for pos := 1; depth > 0; {
		switch text[pos] {
		case '"':
			end := closingQuote(text, pos)
			if text[end+1] == ':' {
				if depth == 1 {
					entryStart, inMark = pos, string(text[pos:end+1]) == truncatedKey
				}
			} else if !inMark && end-pos-1 > l.longest.End-l.longest.Start {
				l.longest = Span{pos + 1, end}
			}
			pos = end
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 1 && inMark && text[pos] == ',' {
			l.mark, inMark = Span{entryStart, pos + 1}, false
		} else if depth == 0 && inMark {
			l.mark = Span{max(entryStart-1, 1), pos}
		}
		pos++
	}
	return l
}

// closingQuote returns the offset of the quote that ends the string at pos.
func closingQuote(text []byte, pos int) int {
	for pos++; text[pos] != '"'; pos++ {
		if text[pos] == '\\' {
			pos++
		}
	}
	return pos
}

// lengthToKeep returns how many bytes of s, the text of a JSON string, to keep,
// so that it becomes at least excess bytes shorter and ends behind a whole
// character or escape. It returns -1 if s has less than excess bytes.
func lengthToKeep(s []byte, excess int) int {
	limit := len(s) - max(excess, 0)
	if limit < 0 {
		return -1
	}
	keep := 0
	for keep < limit {
		n := 1
		switch c := s[keep]; {
		case c == '\\' && s[keep+1] == 'u':
			n = 6
		case c == '\\':
			n = 2
		case c >= utf8.RuneSelf:
			_, n = utf8.DecodeRune(s[keep:])
		}
		if keep+n > limit {
			break
		}
		keep += n
	}
	return keep
}
