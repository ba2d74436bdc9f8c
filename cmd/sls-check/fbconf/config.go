// Package fbconf reads a configuration of Fluent Bit, classic or YAML, as Fluent Bit 5.1.1 reads it: what it accepts,
// what it refuses, what it silently takes for something else, and which value a plugin gets in the end. Each key
// remembers the file and line it stands in.
//
// Source: Fluent Bit 5.1.1, src/config_format/flb_cf_fluentbit.c, flb_cf_yaml.c and flb_config_format.c for the files,
// src/flb_env.c and src/flb_meta.c for the variables, src/flb_config.c for what becomes of the sections.
package fbconf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Place is a line of a file. Line 0 is the file as a whole.
type Place struct {
	File string
	Line int
}

// String is file:line, as compilers and editors write it.
func (p Place) String() string {
	if p.Line == 0 {
		return shown(p.File)
	}
	return fmt.Sprintf("%s:%d", shown(p.File), p.Line)
}

// shown is the one form of a path: from here where the file is below this directory, and whole otherwise. Fluent Bit itself
// finds a file of an @INCLUDE from where it runs or from where its main file is, and so has both.
func shown(path string) string {
	path = filepath.Clean(path)
	here, err := os.Getwd()
	if err != nil || here == "/" {
		return path
	}
	if below, found := strings.CutPrefix(path, here+"/"); found {
		return below
	}
	return path
}

// Remark is something that is not as it looks, and what to do about it.
type Remark struct {
	Place
	Problem string
	Advice  string
}

// Error is a configuration that Fluent Bit refuses. It never repeats a value.
type Error Remark

// Error says where and what, without the advice.
func (e *Error) Error() string { return e.Place.String() + ": " + e.Problem }

// Kind is what Fluent Bit takes a section for.
type Kind string

// The kinds of sections.
const (
	Service         Kind = "service"
	Parser          Kind = "parser"
	MultilineParser Kind = "multiline_parser"
	StreamProcessor Kind = "stream_processor"
	Plugins         Kind = "plugins"
	UpstreamServers Kind = "upstream_servers"
	Custom          Kind = "custom"
	Input           Kind = "input"
	Filter          Kind = "filter"
	Output          Kind = "output"
	Other           Kind = "other" // Fluent Bit reads it and does nothing with it
)

// Property is one key of a section with its value.
type Property struct {
	Place
	Key       string     // in the spelling plugins are asked with: lower case, snake_case for YAML's camelCase
	Text      string     // the value as it is written, without the blanks around it
	Value     string     // what it comes to: Text with its variables replaced
	Variables []Variable // those in Text
	Element   int        // place in a YAML list, from 1; 0: the value is not a list
}

// Unset are the names of the variables in the value that have none.
func (p *Property) Unset() (names []string) {
	for _, v := range p.Variables {
		if !v.Set {
			names = append(names, v.Name)
		}
	}
	return names
}

// Shown is the value as it may be shown: as it is written where a variable is in it, whose value a file or the
// environment may have in confidence.
func (p *Property) Shown() string {
	if len(p.Variables) > 0 {
		return p.Text
	}
	return p.Value
}

// Section is one [SECTION] of a classic file, or one entry of a list in YAML.
type Section struct {
	Place
	Kind       Kind
	Name       string // as it is written
	Properties []Property
	Routed     bool // YAML's routes choose where its records go, not Match
}

// First is the first property of this key, which is the one that plugins get where several are set.
func (s *Section) First(key string) *Property {
	for i := range s.Properties {
		if strings.EqualFold(s.Properties[i].Key, key) {
			return &s.Properties[i]
		}
	}
	return nil
}

// Last is the last property of this key, which is the one that counts for keys of Fluent Bit itself.
func (s *Section) Last(key string) *Property {
	for i := range slices.Backward(s.Properties) {
		if strings.EqualFold(s.Properties[i].Key, key) {
			return &s.Properties[i]
		}
	}
	return nil
}

// Plugin is the name of the plugin of a section, "" where it has none.
func (s *Section) Plugin() string {
	if name := s.First("name"); name != nil {
		return name.Value
	}
	return ""
}

// Config is a configuration with all that it includes.
type Config struct {
	YAML     bool
	Files    []string // in the order in which they were opened
	Sections []*Section
	Remarks  []Remark
	Absent   []Remark // files of the other machine that are not below its root
}

// Of are the sections of a kind.
func (c *Config) Of(kind Kind) (sections []*Section) {
	for _, s := range c.Sections {
		if s.Kind == kind {
			sections = append(sections, s)
		}
	}
	return sections
}

// Service is the one section about Fluent Bit itself; where there is none, an empty one.
func (c *Config) Service() *Section {
	if s := c.Of(Service); len(s) > 0 {
		return s[0]
	}
	return &Section{Place: Place{File: c.Files[0]}, Kind: Service}
}

// Read reads the file at path and what it includes: YAML where its name ends in .yaml or .yml, classic otherwise. The
// environment is asked for variables. An error is an [*Error]; the Config then holds what was read until there.
func Read(path string, getenv func(string) string) (*Config, error) {
	return ReadBelow("", path, getenv)
}

// ReadBelow is Read for a configuration of another machine, whose files are below root: an absolute path within the
// configuration is sought there. What is not there is an entry of Absent, and not an error.
func ReadBelow(root, path string, getenv func(string) string) (*Config, error) {
	r := newReader(path, getenv)
	r.below, r.variables.below = root, root
	var err error
	if isYAML(path) {
		r.config.YAML = true
		err = (&yamlReader{reader: r, included: make(map[string]Place)}).main(path)
	} else {
		err = (&classicReader{reader: r}).main(path)
	}
	if err == nil {
		err = r.finish()
	}
	return r.config, err
}

// ReadPlugins reads a Plugins_File, which may be in either format. Variables have no effect in it.
func ReadPlugins(path string) (*Config, error) {
	r := newReader(path, func(string) string { return "" })
	if isYAML(path) {
		r.config.YAML = true
		return r.config, (&yamlReader{reader: r, included: make(map[string]Place)}).main(path)
	}
	return r.config, (&classicReader{reader: r}).main(path)
}

func isYAML(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		return true
	}
	return false
}
