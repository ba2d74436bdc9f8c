package encoder

import (
	"fmt"
	"strings"
)

// step is one step of a record accessor: the key of a map, or the index of an
// array.
type step struct {
	name    string
	index   int
	isIndex bool
}

const accessorSyntax = `a record accessor is $ and the name of a first-level field (a letter or _, then letters, digits, _ . -), ` +
	`followed by any number of ['key'] and [0], as in $kubernetes['labels']['app'] (a ' within a key is written twice)`

// ValidAccessor returns an error if s cannot be Options.KeyField or RouteField.
// These are a record accessor as Fluent Bit writes it ($a['b'][0],
// src/record_accessor/ra.l), or the name of a first-level field without the $,
// which is taken literally. The error names the character that is wrong and what
// is allowed.
func ValidAccessor(s string) error {
	_, err := parseField(s)
	return err
}

// parseField returns the steps of a record accessor, or of the name of a
// first-level field.
func parseField(s string) ([]step, error) {
	if s == "" {
		return nil, fmt.Errorf("an empty field name; give the name of a first-level field or a record accessor: %s", accessorSyntax)
	}
	if s[0] != '$' {
		return []step{{name: s}}, nil
	}
	fail := func(offset int, what string) ([]step, error) {
		return nil, fmt.Errorf("accessor %q, character %d: %s; %s", s, offset+1, what, accessorSyntax)
	}
	pos := 1
	for pos < len(s) && isNameByte(s[pos], pos > 1) {
		pos++
	}
	name := s[1:pos]
	switch {
	case name == "" && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
		return fail(1, "matches of a regular expression ($0, $1) are not supported")
	case name == "":
		return fail(1, "the name of a field is missing")
	case strings.EqualFold(name, "TAG"):
		return fail(1, "$TAG is not supported, only fields of the record are")
	}
	steps := []step{{name: name}}
	for pos < len(s) {
		if s[pos] != '[' {
			return fail(pos, fmt.Sprintf("unexpected %q", s[pos]))
		}
		var (
			st   step
			next int
		)
		if rest := s[pos+1:]; strings.HasPrefix(rest, "'") {
			st, next = parseKey(rest)
		} else {
			st, next = parseIndex(rest)
		}
		if next < 0 || pos+1+next >= len(s) || s[pos+1+next] != ']' {
			return fail(pos, "this bracket does not hold a 'key' or a number and end in ]")
		}
		if steps = append(steps, st); len(steps) > maxDepth {
			return fail(pos, fmt.Sprintf("more than %d steps", maxDepth))
		}
		pos += next + 2
	}
	return steps, nil
}

func isNameByte(c byte, notFirst bool) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || notFirst && (c >= '0' && c <= '9' || c == '.' || c == '-')
}

// parseKey reads the 'key' at the beginning of s. It returns the offset behind
// it, or -1.
func parseKey(s string) (step, int) {
	for pos := 1; pos < len(s); pos++ {
		if s[pos] != '\'' {
			continue
		}
		if pos+1 < len(s) && s[pos+1] == '\'' {
			pos++
			continue
		}
		return step{name: strings.ReplaceAll(s[1:pos], "''", "'")}, pos + 1
	}
	return step{}, -1
}

// parseIndex reads the number at the beginning of s. It returns the offset behind
// it, or -1.
func parseIndex(s string) (step, int) {
	pos, index := 0, 0
	for pos < len(s) && s[pos] >= '0' && s[pos] <= '9' {
		if index = index*10 + int(s[pos]-'0'); index > 1<<31 {
			return step{}, -1
		}
		pos++
	}
	if pos == 0 || pos > 1 && s[0] == '0' {
		return step{}, -1
	}
	return step{index: index, isIndex: true}, pos
}
