package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// logText is a text of the sources that can reach Fluent Bit's log: a line of
// its own, an error that a line shows, or a piece of one.
type logText struct {
	at     string // file:line
	format string // with fmt's verbs
	level  string // of a line of its own: error, warn, info, debug
}

// logLevels are the methods of plugin.Log.
var logLevels = map[string]string{"Errorf": "error", "Warnf": "warn", "Infof": "info", "Debugf": "debug"}

// notForTheLog are fields of tables whose texts are shown elsewhere.
var notForTheLog = map[string]bool{"help": true, "Help": true, "allowed": true, "Allowed": true, "def": true}

// sources are the files whose texts reach the log, given the project's root.
func sources(root string) (files []string, err error) {
	for _, pattern := range []string{"*.go", "host/*.go", "plugin/*.go", "plugin/*/*.go", "encoder/*.go"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !strings.HasSuffix(f, "_test.go") {
				files = append(files, f)
			}
		}
	}
	return files, nil
}

// logTexts reads the texts of Go files. What it takes:
//
//   - the format of every line: log.Errorf("…")
//   - the text of every error, and the problem of every Fault
//   - any other text of two words or more, but for constants and help texts:
//     what is joined to a line, returned to it or kept in a table for it
func logTexts(files []string) ([]logText, error) {
	var c collector
	for _, f := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			return nil, err
		}
		c.file, c.seen = f, make(map[ast.Node]bool)
		source, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		c.line = func(p token.Pos) int { return 1 + strings.Count(string(source[:p-tree.FileStart]), "\n") }
		ast.Inspect(tree, c.visit)
	}
	return c.texts, c.err
}

type collector struct {
	file  string
	line  func(token.Pos) int
	seen  map[ast.Node]bool // taken already, as part of something larger
	texts []logText
	err   error
}

func (c *collector) visit(n ast.Node) bool {
	if n == nil || c.seen[n] {
		return false
	}
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.StructType:
		return false
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.KeyValueExpr:
		key, ok := n.Key.(*ast.Ident)
		return !ok || !notForTheLog[key.Name]
	case *ast.CallExpr:
		c.call(n)
	case *ast.CompositeLit:
		c.faults(n)
	case *ast.BinaryExpr, *ast.BasicLit:
		c.take(n.(ast.Expr), "", 2)
		return false
	}
	return true
}

// call takes the text of a call that logs or makes an error.
func (c *collector) call(n *ast.CallExpr) {
	name, of := "", ""
	switch f := n.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok {
			of = x.Name
		}
	}
	level := logLevels[name]
	switch {
	case level != "" && of != "fmt":
		if !c.take(n.Args[0], level, 1) && !constant(n.Args[0]) && c.err == nil {
			c.err = fmt.Errorf("%s:%d: the format of a log line must stand where it is logged", c.file, c.line(n.Pos()))
		}
	case of == "errors" && name == "New":
		c.take(n.Args[0], "", 1)
	case name == "fault" && len(n.Args) == 4:
		c.take(n.Args[2], "", 1)
		c.seen[n.Args[3]] = true
	}
}

// faults takes the problems of Faults, whose fields are given in order.
func (c *collector) faults(n *ast.CompositeLit) {
	kind := n.Type
	if list, ok := kind.(*ast.ArrayType); ok {
		kind = list.Elt
	}
	name, ok := kind.(*ast.Ident)
	if !ok || name.Name != "Fault" && name.Name != "Faults" {
		return
	}
	c.fault(n)
	for _, e := range n.Elts {
		if inner, ok := e.(*ast.CompositeLit); ok {
			c.fault(inner)
		}
	}
}

// fault takes the problem of {key, value, problem, allowed}, and leaves what
// is allowed.
func (c *collector) fault(n *ast.CompositeLit) {
	if len(n.Elts) == 4 {
		c.take(n.Elts[2], "", 1)
		c.seen[n.Elts[3]] = true
	}
}

// take notes a text that has at least the given number of words, and tells whether it is one.
func (c *collector) take(n ast.Expr, level string, least int) bool {
	c.seen[n] = true
	format := formatOf(n)
	if words(format) < least {
		return false
	}
	format, _, _ = strings.Cut(format, "\n") // what follows is a stack
	c.texts = append(c.texts, logText{fmt.Sprintf("%s:%d", filepath.ToSlash(c.file), c.line(n.Pos())), format, level})
	return true
}

func constant(n ast.Expr) bool {
	_, ok := n.(*ast.BasicLit)
	return ok
}

// formatOf is the text of an expression, with %v for each part that is not a literal.
func formatOf(n ast.Expr) string {
	switch n := n.(type) {
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			text, _ := strconv.Unquote(n.Value) // the parser accepted it
			return text
		}
	case *ast.ParenExpr:
		return formatOf(n.X)
	case *ast.BinaryExpr:
		if n.Op == token.ADD {
			return formatOf(n.X) + formatOf(n.Y)
		}
	}
	return "%v"
}

var (
	verb = regexp.MustCompile(`%[-+# 0]*\d*(\.\d+)?[a-zA-Z]`)
	word = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// words counts those that stand apart from each other: a regular expression or
// an address is none.
func words(format string) (n int) {
	for _, f := range strings.Fields(verb.ReplaceAllString(format, " ")) {
		if word.MatchString(f) {
			n++
		}
	}
	return n
}

// pattern matches what the format makes.
func (t logText) pattern() *regexp.Regexp { return regexp.MustCompile("^" + t.expression() + "$") }

// expression is a regular expression for what the format makes, wherever it stands.
func (t logText) expression() string {
	var b strings.Builder
	rest := strings.TrimRight(t.format, "\n")
	for at := verb.FindStringIndex(rest); at != nil; at = verb.FindStringIndex(rest) {
		b.WriteString(regexp.QuoteMeta(rest[:at[0]]) + ".*")
		rest = rest[at[1]:]
	}
	b.WriteString(regexp.QuoteMeta(rest))
	return b.String()
}

// reason matches what the C side returns to be shown in a line.
var reason = regexp.MustCompile(`return "([^"]+ [^"]+)";`)

// reasonsInC reads the texts of a C file.
func reasonsInC(file string) (texts []logText, err error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for _, m := range reason.FindAllSubmatchIndex(source, -1) {
		line := 1 + strings.Count(string(source[:m[0]]), "\n")
		texts = append(texts, logText{fmt.Sprintf("%s:%d", file, line), string(source[m[2]:m[3]]), ""})
	}
	return texts, nil
}
