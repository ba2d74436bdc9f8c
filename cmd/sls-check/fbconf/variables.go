package fbconf

import (
	"os"
	"strings"
)

// Variable is a ${NAME}, or ${NAME:-default}, in a value.
type Variable struct {
	Name    string
	Value   string
	Set     bool  // it has a value, if only its default
	Default bool  // the value is the default after :-, which stands in the text itself
	Written Place // where @SET or YAML's env defines it; zero where it comes from the environment or a file
}

// variables are those of a configuration and of the environment.
type variables struct {
	below   string // root of another machine
	getenv  func(string) string
	budget  *budget
	defined map[string]definition
}

type definition struct {
	value   string
	written Place // zero: it came from a file
}

func newVariables(getenv func(string) string, b *budget) *variables {
	v := &variables{getenv: getenv, budget: b, defined: make(map[string]definition)}
	if getenv("HOSTNAME") == "" {
		if name, err := os.Hostname(); err == nil {
			v.defined["HOSTNAME"] = definition{value: name}
		}
	}
	return v
}

// set defines a variable. A value file://PATH is the content of that file.
func (v *variables) set(s setting) *Error {
	value := s.value
	if s.uri != "" {
		value = s.uri
	}
	path, isFile := strings.CutPrefix(value, "file://")
	if !isFile || path == "" {
		v.defined[s.name] = definition{value, s.Place}
		return nil
	}
	content, err := v.budget.readFile(Below(v.below, path))
	if err != nil {
		return &Error{s.Place, "variable " + s.name + " is to come from " + path + ", which cannot be read: " + cause(err), "fix the path, or make the file readable for Fluent Bit"}
	}
	text := string(content)
	if n := len(text); n > 0 && (text[n-1] == '\n' || text[n-1] == '\r') {
		text = text[:n-1]
	}
	if text == "" {
		return &Error{s.Place, "variable " + s.name + " is to come from " + path + ", which is empty", "write the value into the file"}
	}
	v.defined[s.name] = definition{value: text}
	return nil
}

// get finds the value of a variable; a variable of the environment that is empty counts as not set.
func (v *variables) get(name string) (d definition, ok bool) {
	if d, ok = v.defined[name]; ok {
		return d, true
	}
	d.value = v.getenv(name)
	return d, d.value != ""
}

// maxName is how long what stands between ${ and } may be.
const maxName = 4095

// replace puts the values of variables into a text. It has the quirks of flb_env_var_translate: an unclosed ${ cuts the
// text off, and a } before the next ${ ends the replacing.
func (v *variables) replace(text string) (string, []Variable) {
	var out strings.Builder
	var found []Variable
	rest, closed := text, true
	for rest != "" {
		start := strings.Index(rest, "${")
		if start < 0 {
			break
		}
		end := strings.Index(rest, "}")
		if closed = end >= 0; !closed {
			break
		}
		if end <= start+2 || end-start-2 > maxName {
			if len(found) > 0 { // what precedes the stray } is lost
				rest = rest[end+1:]
			}
			break
		}
		variable, value := v.resolve(rest[start+2 : end])
		if !v.budget.take(len(value)) {
			value = "" // the reader sees that it was too much
		}
		found = append(found, variable)
		out.WriteString(rest[:start])
		out.WriteString(value)
		rest = rest[end+1:]
	}
	if len(found) == 0 {
		return text, nil
	}
	if closed {
		out.WriteString(rest)
	}
	return out.String(), found
}

// resolve finds the value of what stands between ${ and }.
func (v *variables) resolve(expression string) (Variable, string) {
	name, fallback, hasFallback := expression, "", false
	if before, after, found := strings.Cut(expression, ":"); found && strings.HasPrefix(after, "-") {
		name, fallback, hasFallback = before, after[1:], true
	}
	d, ok := v.get(name)
	switch {
	case ok && (d.value != "" || !hasFallback):
		return Variable{Name: name, Value: d.value, Set: true, Written: d.written}, d.value
	case hasFallback:
		return Variable{Name: name, Value: fallback, Set: true, Default: true}, fallback
	}
	return Variable{Name: name}, ""
}
