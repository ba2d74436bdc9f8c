package fbconf

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v4"
)

// yamlReader reads the YAML format.
type yamlReader struct {
	*reader
	included   map[string]Place // the line that asked for a file, by its path as it is put together
	hasService bool
}

func (y *yamlReader) main(path string) error {
	return y.file(path, Place{File: path})
}

// include reads what an entry of includes names, relative to the file it stands in: one file, or with a * in it all
// that match.
func (y *yamlReader) include(name, from string, at Place) error {
	if !strings.Contains(name, "*") && y.absent(name, at) {
		return nil
	}
	name = Below(y.below, name)
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Dir(from) + "/" + path
	}
	if !strings.Contains(name, "*") {
		return y.file(path, at)
	}
	paths, err := glob(filepath.Clean(path))
	if err != nil || len(paths) == 0 {
		problem, advice := "no file matches the pattern of this include", "fix the pattern (it is "+path+"), or remove the line"
		if filepath.IsAbs(name) {
			return &Error{at, problem, advice}
		}
		y.remark(at, problem, advice) // Fluent Bit goes on where the pattern is relative
		return nil
	}
	for _, path := range paths {
		if err := y.file(path, at); err != nil {
			return err
		}
	}
	return nil
}

// file reads one file, which the line at asks for.
func (y *yamlReader) file(path string, at Place) error {
	if before, again := y.included[path]; again {
		return &Error{at, path + " is included a second time" + first(before), "include each file once; a pattern must not match the file that includes it"}
	}
	y.included[path] = at
	content, err := y.budget.readFile(path)
	if err != nil {
		return unread(path, at, err)
	}
	y.opened(path)
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err != nil {
		return &Error{at, path + ": " + err.Error(), "report this"}
	}
	for {
		var document yaml.Node
		if err := loader.Load(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return syntax(path, string(content), err)
		}
		if document.Kind == yaml.DocumentNode && document.Content[0].Kind != yaml.MappingNode {
			if err := mistaken(path, string(content), true); err != nil {
				return err
			}
		}
		if err := (&yamlFile{y, path}).document(&document); err != nil {
			return err
		}
	}
}

// unread is what is wrong with a file that cannot be read, which the line at asks for.
func unread(path string, at Place, err error) error {
	problem, advice := "cannot be read: "+cause(err), "fix the path, or make the file readable for Fluent Bit"
	if at.Line > 0 {
		problem = path + " " + problem
	}
	if errors.Is(err, syscall.EISDIR) {
		advice = inDirectory(path, at, ".yaml")
	}
	return &Error{at, problem, advice}
}

// syntax is what is wrong with a file that is not YAML.
func syntax(path, content string, err error) error {
	if other := mistaken(path, content, true); other != nil {
		return other
	}
	at, problem := Place{File: path}, err.Error()
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		at.Line, problem = load.Mark.Line, load.Message
	}
	if tabbed(content, at.Line) && (strings.Contains(problem, "tab") || strings.Contains(problem, "cannot start any token")) {
		return &Error{at, "a tab in the indentation", "indent with spaces: YAML takes no tabs there"}
	}
	if strings.Contains(problem, "anchor") { // the message repeats its name, which may be the beginning of a secret
		problem = "a value begins with * and names no anchor"
	}
	return &Error{at, "no valid YAML: " + problem, "fix the indentation, a missing : or a missing quote, here or on the line above; quote values that begin with *, &, !, %, @ or `"}
}

// tabbed tells whether a line is indented with a tab.
func tabbed(content string, line int) bool {
	lines := strings.Split(content, "\n")
	if line < 1 || line > len(lines) {
		return false
	}
	text := lines[line-1]
	return strings.Contains(text[:len(text)-len(strings.TrimLeft(text, " \t"))], "\t")
}

// yamlFile is a YAML file being read.
type yamlFile struct {
	*yamlReader
	path string
}

func (f *yamlFile) place(n *yaml.Node) Place { return Place{f.path, n.Line} }

func (f *yamlFile) fail(n *yaml.Node, problem, advice string) error {
	return &Error{f.place(n), problem, advice}
}

// want fails unless the node is of the kind. What is an alias (*name) is of no kind: Fluent Bit knows none.
func (f *yamlFile) want(n *yaml.Node, kind yaml.Kind, what string) error {
	if n.Kind == kind {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return f.fail(n, what+" is an alias (*name), which Fluent Bit does not know", "write the value out, or use a variable of env")
	}
	form := map[yaml.Kind]string{yaml.ScalarNode: "a single value", yaml.MappingNode: "a map of keys to values", yaml.SequenceNode: "a list, whose entries begin with -"}
	return f.fail(n, what+" is not "+form[kind], "write it as "+form[kind])
}

// pairs are the keys and values of a map; the keys must be single values.
func (f *yamlFile) pairs(n *yaml.Node, what string) ([][2]*yaml.Node, error) {
	if err := f.want(n, yaml.MappingNode, what); err != nil {
		return nil, err
	}
	var pairs [][2]*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := f.want(n.Content[i], yaml.ScalarNode, "a key of "+what); err != nil {
			return nil, err
		}
		pairs = append(pairs, [2]*yaml.Node{n.Content[i], n.Content[i+1]})
	}
	return pairs, nil
}

// entries are those of a list.
func (f *yamlFile) entries(n *yaml.Node, what string) ([]*yaml.Node, error) {
	return n.Content, f.want(n, yaml.SequenceNode, what)
}

// document reads the top level.
func (f *yamlFile) document(n *yaml.Node) error {
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	pairs, err := f.pairs(n, "the file")
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if err := f.topLevel(p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// topLevel reads one of the sections a file is made of.
// Source: STATE_SECTION, flb_cf_yaml.c.
func (f *yamlFile) topLevel(key, value *yaml.Node) error {
	name := key.Value
	switch strings.ToLower(name) {
	case "env":
		return f.envSection(value)
	case "includes":
		return f.includes(value)
	case "pipeline":
		return f.pipeline(value)
	case "customs":
		return f.plugins(Custom, value, name)
	case "parsers", "multiline_parsers", "stream_processor", "upstream_servers":
		return f.definitions(key, value)
	case "plugins":
		return f.libraries(key, value)
	case "service":
		if f.hasService {
			return f.fail(key, "service is defined a second time", "keep one service section in all the files")
		}
		f.hasService = true
	}
	return f.settings(f.reader.section(f.place(key), name), value)
}
