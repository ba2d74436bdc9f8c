package fbconf

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// reader is what both formats fill.
type reader struct {
	config    *Config
	budget    *budget
	variables *variables
	env       []setting // YAML's env, in order
	sets      []setting // classic's @SET, in order
	below     string    // root of another machine, "" for this one
}

func newReader(path string, getenv func(string) string) *reader {
	b := &budget{left: maxBytes}
	return &reader{config: &Config{Files: []string{path}}, budget: b, variables: newVariables(getenv, b)}
}

// setting is one variable that the configuration defines.
type setting struct {
	Place
	name, value string
	uri         string
}

// Below is where a path of another machine is on this one; without a root, and for a relative path, where it says.
func Below(root, path string) string {
	if root == "" || !filepath.IsAbs(path) || strings.HasPrefix(path, filepath.Clean(root)+"/") {
		return path
	}
	return filepath.Join(root, path)
}

// absent notes that a file of another machine is not below its root, and tells whether that is so.
func (r *reader) absent(path string, at Place) bool {
	if r.below == "" || at.Line == 0 || !filepath.IsAbs(path) {
		return false
	}
	if _, err := os.Stat(Below(r.below, path)); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	r.config.Absent = append(r.config.Absent, Remark{at, path + " is not below the root that was given, so it was not read", "put it there to have it examined"})
	return true
}

// opened notes that a file is read.
func (r *reader) opened(path string) {
	if !slices.Contains(r.config.Files, path) {
		r.config.Files = append(r.config.Files, path)
	}
}

func (r *reader) remark(at Place, problem, advice string) {
	r.config.Remarks = append(r.config.Remarks, Remark{at, problem, advice})
}

// section adds a section; all of kind service are one.
func (r *reader) section(at Place, name string) *Section {
	kind := kindOf(name)
	if kind == Service {
		if all := r.config.Of(Service); len(all) > 0 {
			return all[0]
		}
	}
	s := &Section{Place: at, Kind: kind, Name: name}
	r.config.Sections = append(r.config.Sections, s)
	return s
}

// sectionNames are compared in this order, and a section's name may be cut short: [IN] is an input, [S] the service.
// Source: get_section_type, flb_config_format.c.
var sectionNames = []struct {
	name string
	kind Kind
}{
	{"service", Service}, {"parser", Parser}, {"multiline_parser", MultilineParser}, {"stream_processor", StreamProcessor},
	{"plugins", Plugins}, {"upstream_servers", UpstreamServers}, {"custom", Custom}, {"customs", Custom},
	{"input", Input}, {"inputs", Input}, {"filter", Filter}, {"filters", Filter}, {"output", Output}, {"outputs", Output},
}

func kindOf(name string) Kind {
	for _, s := range sectionNames {
		if len(name) <= len(s.name) && strings.EqualFold(s.name[:len(name)], name) {
			return s.kind
		}
	}
	return Other
}

// blanks are what isspace(3) takes for one.
const blanks = " \t\n\v\f\r"

// trim takes the blanks off both ends; ok is false for nothing but blanks, which Fluent Bit refuses.
func trim(s string) (trimmed string, ok bool) {
	trimmed = strings.Trim(s, blanks)
	return trimmed, trimmed != "" || s == ""
}

// finish does what Fluent Bit does when all files are read: it sets the variables, replaces them in the values, and
// looks over the sections.
func (r *reader) finish() error {
	for _, s := range r.env {
		if path, isFile := strings.CutPrefix(cmp.Or(s.uri, s.value), "file://"); isFile && r.absent(path, s.Place) {
			r.variables.defined[s.name] = definition{value: "unknown", written: s.Place}
			continue
		}
		if err := r.variables.set(s); err != nil {
			return err
		}
	}
	for _, s := range r.sets {
		if err := r.variables.set(s); err != nil { // Fluent Bit goes on without the variable
			r.remark(s.Place, "@SET has no effect: "+err.Problem, err.Advice)
		}
	}
	for _, s := range r.config.Sections {
		for i := range s.Properties {
			p := &s.Properties[i]
			if p.Value, p.Variables = r.variables.replace(p.Text); !r.budget.take(0) {
				return &Error{p.Place, "with the values of variables the configuration has " + errTooMuch.Error(), "give variables shorter values"}
			}
		}
	}
	return r.checkSections()
}

func (r *reader) checkSections() error {
	for _, s := range r.config.Sections {
		switch s.Kind {
		case Parser, MultilineParser:
			if !r.config.YAML {
				return &Error{s.Place, "a [" + s.Name + "] section stands in the main configuration", "move it to a file of its own and name that with Parsers_File in [SERVICE]"}
			}
		case Input, Filter, Output, Custom:
			if s.First("name") == nil {
				return &Error{s.Place, "section " + s.Name + " has no Name", "say which plugin it is, such as: Name tail"}
			}
		}
	}
	return nil
}

// first says where a file was asked for that is asked for again.
func first(at Place) string {
	if at.Line == 0 {
		return ": it is the main file"
	}
	return ", the first is at " + at.String()
}

// inDirectory is what to do where a directory is named and a file is wanted.
func inDirectory(path string, at Place, ending string) string {
	if at.Line == 0 {
		return "name the file in it, such as " + filepath.Join(path, "fluent-bit"+ending)
	}
	return "name its files: " + filepath.Join(path, "*"+ending)
}

// cause is what the system says of a file, without the path.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
