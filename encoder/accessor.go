package encoder

import (
	"errors"
	"fmt"
	"strings"
)

// Template is what makes the key or the route of a record: texts, parts of the tag and
// fields of the record, one behind the other. It is written as Fluent Bit writes a
// record accessor with text around it (5.1.1, src/flb_record_accessor.c,
// src/record_accessor/ra.l):
//
//	log                           the first-level field of that name, as it is written
//	$log                          the same; a letter or _, then letters, digits, _ . -
//	$kubernetes['labels']['app']  a value within maps; a ' within a key is written twice
//	$list[0]                      an element of an array
//	$TAG                          the tag
//	$TAG[1]                       its second part, of those that dots separate
//	$TAG['namespace']             of a pod's log, as are ['pod'] and ['container']: see tagPart
//	k8s-$TAG['namespace']-logs    with text around it
//
// Without a $ all of it is the name of a field. With one, what is not an accessor is
// text. The name of a field ends where it must: $a-b is the field a-b, and text can follow
// a bracket, or $TAG. Of fields of the record the application that logs may be the author,
// of the tag it is not.
type Template struct{ pieces []piece }

// piece is a text, a part of the tag, or a field of the record.
type piece struct {
	kind  pieceKind
	text  string
	part  tagPart
	steps []step
}

type pieceKind uint8

const (
	textPiece pieceKind = iota
	tagPiece
	fieldPiece
)

// step is one step of a record accessor: the key of a map, or the index of an
// array.
type step struct {
	name    string
	index   int
	isIndex bool
}

// maxAccessors is how many accessors a template may have. Each is another one: a record
// that has the same field several times in its key would grow beyond maxGrowth.
const maxAccessors = 8

// tagName is the accessor of the tag.
const tagName = "TAG"

// ParseTemplate reads a template. The error names the character that is wrong.
func ParseTemplate(s string) (Template, error) {
	if s == "" {
		return Template{}, errors.New("empty")
	}
	if !strings.Contains(s, "$") {
		if t, err := parseTemplate("$" + s); err == nil && t.goesDeeper() {
			return Template{}, fmt.Errorf("an accessor begins with $: write $%s", s)
		}
		return Template{[]piece{{kind: fieldPiece, steps: []step{{name: s}}}}}, nil
	}
	return parseTemplate(s)
}

// goesDeeper tells whether a template is one accessor with brackets.
func (t Template) goesDeeper() bool {
	p := &t.pieces[0]
	return len(t.pieces) == 1 && (p.kind == fieldPiece && len(p.steps) > 1 || p.kind == tagPiece && p.part != wholeTag)
}

// With returns the template with a value in place of each accessor.
func (t Template) With(value string) string {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.kind == textPiece {
			b.WriteString(p.text)
		} else {
			b.WriteString(value)
		}
	}
	return b.String()
}

func parseTemplate(s string) (t Template, err error) {
	seen := make(map[string]bool)
	for pos := 0; pos < len(s); {
		if length := strings.IndexByte(s[pos:], '$'); length != 0 {
			if length < 0 {
				length = len(s) - pos
			}
			t.pieces = append(t.pieces, piece{kind: textPiece, text: s[pos : pos+length]})
			pos += length
			continue
		}
		p, next, err := parseAccessor(s, pos)
		if err != nil {
			return Template{}, err
		}
		if spelt := s[pos:next]; seen[spelt] {
			return Template{}, wrongAt(pos, "this accessor is there twice")
		} else if seen[spelt] = true; len(seen) > maxAccessors {
			return Template{}, wrongAt(pos, fmt.Sprintf("more than %d accessors", maxAccessors))
		}
		t.pieces = append(t.pieces, p)
		pos = next
	}
	return t, nil
}

// wrongAt is an error at an offset of a template.
func wrongAt(offset int, what string) error { return fmt.Errorf("character %d: %s", offset+1, what) }

// parseAccessor reads the accessor whose $ is at pos. It returns the offset behind it.
func parseAccessor(s string, pos int) (p piece, next int, err error) {
	start := pos + 1
	if strings.HasPrefix(s[start:], tagName) {
		return parseTagAccessor(s, start+len(tagName))
	}
	next = start
	for next < len(s) && isNameByte(s[next], next > start) {
		next++
	}
	name := s[start:next]
	switch {
	case name == "" && start < len(s) && s[start] >= '0' && s[start] <= '9':
		return p, 0, wrongAt(start, "matches of a regular expression ($0, $1) are not supported")
	case name == "":
		return p, 0, wrongAt(start, "the name of a field is missing")
	case strings.EqualFold(name, tagName):
		return p, 0, wrongAt(start, fmt.Sprintf("the tag is $TAG, in capitals; the field of that name is %s, without $", name))
	}
	p = piece{kind: fieldPiece, steps: []step{{name: name}}}
	for next < len(s) && s[next] == '[' {
		var st step
		if st, next, err = parseStep(s, next); err != nil {
			return p, 0, err
		}
		if p.steps = append(p.steps, st); len(p.steps) > maxDepth {
			return p, 0, wrongAt(next, fmt.Sprintf("more than %d steps", maxDepth))
		}
	}
	return p, next, nil
}

// parseTagAccessor reads what follows $TAG.
func parseTagAccessor(s string, pos int) (p piece, next int, err error) {
	p = piece{kind: tagPiece, part: wholeTag}
	if pos == len(s) || s[pos] != '[' {
		return p, pos, nil
	}
	st, next, err := parseStep(s, pos)
	if err != nil {
		return p, 0, err
	}
	if p.part = tagPart(st.index); !st.isIndex {
		var ok bool
		if p.part, ok = namedTagParts[st.name]; !ok {
			return p, 0, wrongAt(pos, "$TAG has a number, ['namespace'], ['pod'] or ['container']")
		}
	}
	if next < len(s) && s[next] == '[' {
		return p, 0, wrongAt(next, "a part of the tag has no parts")
	}
	return p, next, nil
}

// parseStep reads the bracket at pos, and returns the offset behind it.
func parseStep(s string, pos int) (st step, next int, err error) {
	if rest := s[pos+1:]; strings.HasPrefix(rest, "'") {
		st, next = parseKey(rest)
	} else {
		st, next = parseIndex(rest)
	}
	if next < 0 || pos+1+next >= len(s) || s[pos+1+next] != ']' {
		return st, 0, wrongAt(pos, "this bracket does not hold a 'key' or a number and end in ]")
	}
	return st, pos + next + 2, nil
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
