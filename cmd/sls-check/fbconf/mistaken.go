package fbconf

import (
	"regexp"
	"strings"
)

var (
	// yamlLine begins what only YAML has: one of its sections, or the { of JSON.
	yamlLine = regexp.MustCompile(`(?m)^(?:(?:env|includes|service|pipeline|parsers|multiline_parsers|plugins|customs)[ \t]*:|\{)`)
	// classicLine begins what only the classic format has.
	classicLine = regexp.MustCompile(`(?im)^(?:\[(?:service|input|filter|output|parser|multiline_parser|plugins)\]|@(?:set|include) )`)
)

// mistaken says what a refused file is, where that explains more than the line at which it was refused: another format
// than its name says, another encoding, or no text. It is nil where the file is what it should be.
func mistaken(path, content string, isYAML bool) *Error {
	whole := Place{File: path}
	wide := strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff")
	switch {
	case wide && isYAML: // which Fluent Bit reads
		return nil
	case wide:
		return &Error{whole, "the file is UTF-16", "save it as UTF-8, without a byte order mark (BOM)"}
	case strings.Contains(content, "\x00"):
		return &Error{whole, "the file is not text", "name the configuration, not a program or an archive"}
	case strings.HasPrefix(content, "\xef\xbb\xbf") && !isYAML:
		return &Error{Place{path, 1}, "the file begins with a byte order mark (BOM)", "save it as UTF-8 without one"}
	}
	if isYAML {
		return foreign(path, content, classicLine, "the classic format in a file that Fluent Bit reads as YAML", "give the file a name that does not end in .yaml or .yml, such as fluent-bit.conf")
	}
	return foreign(path, content, yamlLine, "YAML in a file that Fluent Bit reads as the classic format", "give the file a name that ends in .yaml, and include it only from YAML")
}

// foreign finds a line of the other format.
func foreign(path, content string, line *regexp.Regexp, problem, advice string) *Error {
	at := line.FindStringIndex(content)
	if at == nil {
		return nil
	}
	return &Error{Place{path, strings.Count(content[:at[0]], "\n") + 1}, problem, advice}
}
