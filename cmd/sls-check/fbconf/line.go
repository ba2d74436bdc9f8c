package fbconf

import "strings"

// classicFile is a classic file being read. Each file begins without a section, and its first indented line says how
// deep all others are.
type classicFile struct {
	*classicReader
	at        Place
	content   string // all of it
	section   *Section
	group     bool // within a [GROUP] of the section
	keys      int  // since the last section or group began
	indent    string
	hasIndent bool
}

func (f *classicFile) fail(problem, advice string) error {
	if err := mistaken(f.at.File, f.content, false); err != nil {
		return err
	}
	return &Error{f.at, problem, advice}
}

func (f *classicFile) line(s string) error {
	switch {
	case s == "" || s[0] == '#':
		return nil
	case len(s) > 9 && strings.EqualFold(s[:9], "@include "):
		return f.include(s[9:], f.at)
	case s[0] == '@' && len(s) > 3:
		return f.command(s)
	case s[0] == '[':
		return f.header(s)
	}
	return f.indented(s)
}

// command reads an @ line other than @INCLUDE.
func (f *classicFile) command(s string) error {
	name, text, found := strings.Cut(s[1:], " ")
	if !found {
		return f.fail("@"+name+" stands alone", "write @SET NAME=value or @INCLUDE file, with a blank between, or begin a comment with #")
	}
	text, ok := trim(text)
	if !ok {
		return f.fail("nothing but blanks follows @"+name, "write @SET NAME=value or @INCLUDE file")
	}
	variable, value, found := strings.Cut(text, "=")
	switch {
	case !strings.EqualFold(name, "set"):
		f.remark(f.at, "@"+name+" is not a command of Fluent Bit and has no effect", "write @SET NAME=value or @INCLUDE file")
	case !found:
		f.remark(f.at, "@SET without = has no effect", "write @SET NAME=value")
	default:
		if strings.TrimRight(variable, blanks) != variable {
			f.remark(f.at, "the blank before = belongs to the variable's name, so ${"+strings.TrimRight(variable, blanks)+"} is not set", "write @SET NAME=value without blanks around =")
		}
		f.sets = append(f.sets, setting{Place: f.at, name: variable, value: value})
	}
	return nil
}

// header reads the line that begins a section.
func (f *classicFile) header(s string) error {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return f.fail("the ] of the section's name is missing", "write [OUTPUT], at the beginning of the line")
	}
	name := s[1:end]
	if name == "" {
		name = s[1:] // as Fluent Bit does
	}
	f.section = f.reader.section(f.at, name)
	f.group, f.keys = false, 0
	return nil
}

// indented reads a line within a section. The blanks before it are compared first, also where the line is a comment.
func (f *classicFile) indented(s string) error {
	if !f.hasIndent {
		n := 1 // the first character counts whatever it is
		for n < len(s) && isBlank(s[n]) {
			n++
		}
		f.indent, f.hasIndent = s[:n], true
		if n == len(s) {
			return nil
		}
	}
	rest, grouped, err := f.unindent(s)
	if err != nil {
		return err
	}
	if !grouped {
		f.group = false
	}
	if rest == "" || rest[0] == '#' {
		return nil
	}
	key, text, found := strings.Cut(rest, " ")
	switch {
	case !found:
		return f.fail("a key without a value", "put a space (not a tab) and a value after it; begin a comment with #, and a section's name at the beginning of the line")
	case key[0] == '[':
		return f.beginGroup(rest)
	case text == "":
		return f.fail("key "+key+" has an empty value", "give it a value, or remove the line")
	case f.section == nil:
		return f.fail("a key stands before the first section of this file", "begin the file with the section, such as [OUTPUT]")
	}
	return f.property(key, text)
}

// unindent takes the indentation off; twice the indentation belongs to a group.
func (f *classicFile) unindent(s string) (rest string, grouped bool, err error) {
	const advice = "indent all lines of a section alike, comments and blank lines too: with spaces alone or with tabs alone"
	rest, found := strings.CutPrefix(s, f.indent)
	if !found {
		return "", false, f.fail("the line is indented less than the first one of this file, or with other blanks", advice)
	}
	deep := len(rest) - len(strings.TrimLeft(rest, " \t"))
	if deep != 0 && deep != len(f.indent) {
		return "", false, f.fail("the line is indented more than the first one of this file", advice)
	}
	return rest[deep:], deep > 0, nil
}

func (f *classicFile) beginGroup(s string) error {
	end := strings.IndexByte(s, ']')
	switch {
	case end < 0:
		return f.fail("the ] of the group's name is missing", "write the name as [GROUP]")
	case f.section == nil:
		return f.fail("a group stands before the first section of this file", "begin the file with the section, such as [OUTPUT]")
	case f.group && f.keys == 0:
		return f.fail("the group before this one has no keys", "remove it, or indent its keys twice as deep")
	}
	f.group = end > 1
	if f.group {
		f.keys = 0
	}
	return nil
}

func (f *classicFile) property(key, text string) error {
	key, _ = trim(strings.ToLower(key))
	text, ok := trim(text)
	if !ok {
		return f.fail("key "+key+" has an empty value", "give it a value, or remove the line")
	}
	f.keys++
	if !f.group {
		f.section.Properties = append(f.section.Properties, Property{Place: f.at, Key: key, Text: text})
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
