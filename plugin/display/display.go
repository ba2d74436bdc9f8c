// Package display makes what others wrote fit to be shown: in Fluent Bit's log, in an
// error, in the report of sls-check. A broker, a certificate that nobody has verified, a
// tag or a configuration may hold line breaks, commands for a terminal, or megabytes.
package display

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxLine bounds a line, in bytes. Fluent Bit cuts a line, with its own time and
	// level in front, at 4088. Source: Fluent Bit 5.1.1, struct log_message, flb_log.c.
	MaxLine = 4000
	// maxPart bounds a text of others within a line: what follows it must be seen too.
	maxPart = 1000
	// maxQuoted bounds a text of others within quotes, before its characters are escaped.
	maxQuoted = 200
	// maxStack bounds the lines of a stack.
	maxStack = 32 << 10
)

// Line returns text as one line of printable characters, of MaxLine bytes at most. All
// other characters are written as Go does in an ASCII string, such as \n or \x1b: no text of
// others begins a line, clears a screen or turns the direction of reading around.
func Line(text string) string { return printable(text, MaxLine) }

// Part is Line for a text within a line, which keeps room for the rest.
func Part(text string) string { return printable(text, maxPart) }

// Cut returns the beginning of a text that is shown in quotes, with %q.
func Cut(text string) string {
	begin := cut(text, maxQuoted)
	if len(begin) < len(text) {
		begin += more(len(text) - len(begin))
	}
	return begin
}

// Panic returns what a panic leaves in the log. It is the only text of several lines, and
// those of the stack are Go's own.
func Panic(cause any, stack []byte) string {
	var b strings.Builder
	b.WriteString(Part(fmt.Sprint(cause)))
	for line := range strings.Lines(cut(string(stack), maxStack)) {
		b.WriteByte('\n')
		// A tab begins the line of a file.
		text, indented := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\t")
		if indented {
			b.WriteByte('\t')
		}
		b.WriteString(Part(text))
	}
	return b.String()
}

// printable returns the printable form of text, of limit bytes at most.
func printable(text string, limit int) string {
	if len(text) <= limit && !strings.ContainsFunc(text, isHidden) {
		return text
	}
	b := make([]byte, 0, min(len(text), limit))
	room, at := 0, 0 // the end of b, and of what it is made of, where a remark on the rest still fits
	for i, n := 0, 0; i < len(text); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(text[i:])
		if isReplacement := r == utf8.RuneError && n > 1; isHidden(r) && !isReplacement {
			quoted := strconv.QuoteToASCII(text[i : i+n])
			b = append(b, quoted[1:len(quoted)-1]...)
		} else {
			b = append(b, text[i:i+n]...)
		}
		if len(b) > limit {
			return string(b[:room]) + more(len(text)-at)
		}
		if len(b) <= limit-len(more(len(text))) {
			room, at = len(b), i+n
		}
	}
	return string(b)
}

// isHidden tells whether a character is not seen as it is. utf8.RuneError is one too:
// it stands for a byte outside of any character. Fillers and variation selectors are
// letters and marks for strconv.IsPrint, and nothing for the eye: a key with one of them
// looks like an option.
func isHidden(r rune) bool {
	return r == utf8.RuneError || !strconv.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800'
}

// cut returns the beginning of text, of limit bytes at most, in whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for i := limit; i > limit-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			return text[:i]
		}
	}
	return text[:limit]
}

// more says what a text lacks.
func more(bytes int) string { return fmt.Sprintf(" [%d bytes more]", bytes) }
