package display

import (
	"errors"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "",
		"plain, with 汉字 and %d \\ \"":    "plain, with 汉字 and %d \\ \"",
		"a\n[2026/11/26] [error] forged": `a\n[2026/11/26] [error] forged`,
		"\r\x00\x1b[2J\x1b]0;owned\x07":  `\r\x00\x1b[2J\x1b]0;owned\a`,
		"\u202egnp.exe \u2028 \u200b":    `\u202egnp.exe \u2028 \u200b`,
		"log\u3164store \u115f\u034f\ufe0f\U000e0101\U000e0041\u2800": `log\u3164store \u115f\u034f\ufe0f\U000e0101\U000e0041\u2800`,
		"\u2066a\u2069\u061c \u00ad \ufeff \u2029":                    `\u2066a\u2069\u061c \u00ad \ufeff \u2029`,
		"\xff\xfe and \xe6\xb1":                                       `\xff\xfe and \xe6\xb1`,
		"\x9b31m \u009b31m \ufffd":                                    `\x9b31m \u009b31m ` + "\ufffd",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := Line(Line(text)); got != Line(text) {
			t.Errorf("%q: shown twice it is %q", text, got)
		}
	}
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"letters":  strings.Repeat("A", 30_000),
		"controls": strings.Repeat("\x1b", 30_000),
		"wide":     strings.Repeat("汉", 10_000),
		"bytes":    strings.Repeat("\xb1", 30_000),
	} {
		for limit, got := range map[int]string{MaxLine: Line(text), maxPart: Part(text)} {
			if len(got) > limit || len(got) < limit/5 || !strings.HasSuffix(got, " bytes more]") || !utf8.ValidString(got) {
				t.Errorf("%s, at most %d bytes: %d, %q", name, limit, len(got), got)
			}
		}
	}
	for n := MaxLine - 2; n <= MaxLine; n++ {
		if text := strings.Repeat("A", n); Line(text) != text {
			t.Errorf("%d bytes are cut", n)
		}
	}
	if got := Line(strings.Repeat("A", 5000)); !strings.HasSuffix(got, "A [1018 bytes more]") || len(got) != MaxLine {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-40:])
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\n":                                "a\n",
		strings.Repeat("a", 200):             strings.Repeat("a", 200),
		strings.Repeat("a", 201):             strings.Repeat("a", 200) + " [1 bytes more]",
		strings.Repeat("a", 199) + "汉":       strings.Repeat("a", 199) + " [3 bytes more]",
		strings.Repeat("\x80", 201):          strings.Repeat("\x80", 200) + " [1 bytes more]",
		strings.Repeat("a", 198) + "汉" + "b": strings.Repeat("a", 198) + " [4 bytes more]",
	} {
		if got := Cut(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The text of a panic begins no line, and what follows is Go's.
func TestPanic(t *testing.T) {
	t.Parallel()
	got := Panic(errors.New("index\n[error] forged"), debug.Stack())
	first, rest, _ := strings.Cut(got, "\n")
	if first != `index\n[error] forged` || !strings.Contains(rest, "\n\t") || strings.Contains(rest, `\t`) || !strings.Contains(rest, "TestPanic") {
		t.Errorf("%s", got)
	}
	if got := Panic("deep", []byte(strings.Repeat("\tfile.go:1\n", 100_000))); len(got) > 40<<10 {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\n\x1b\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for limit, got := range map[int]string{MaxLine: Line(text), maxPart: Part(text)} {
			if len(got) > limit || strings.ContainsFunc(got, func(r rune) bool { return !strconv.IsPrint(r) }) || !utf8.ValidString(got) {
				t.Errorf("%q gives %q", text, got)
			}
		}
	})
}
