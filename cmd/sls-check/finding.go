package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/plugin/display"
)

// severity says how bad a finding is.
type severity uint8

const (
	severityNote    severity = iota // as it may be meant
	severityWarning                 // records can be lost, or a line has no effect
	severityError                   // Fluent Bit does not start, or delivers nothing
)

func (s severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// finding is one thing to know about a configuration.
type finding struct {
	severity severity
	fbconf.Place
	what, why, do string
}

// report is all findings.
type report struct {
	findings []finding
	seen     map[finding]bool
	errorsAt map[fbconf.Place]bool
	hide     func(string) string // takes out of a text what must not be shown
}

func (r *report) add(s severity, at fbconf.Place, what, why, do string) {
	f := finding{s, at, r.hide(what), r.hide(why), r.hide(do)}
	if r.seen[f] { // two outputs may share an input
		return
	}
	if r.seen == nil {
		r.seen, r.errorsAt = make(map[finding]bool), make(map[fbconf.Place]bool)
	}
	r.seen[f] = true
	r.errorsAt[at] = r.errorsAt[at] || s == severityError
	r.findings = append(r.findings, f)
}

func (r *report) fail(at fbconf.Place, what, why, do string) { r.add(severityError, at, what, why, do) }
func (r *report) warn(at fbconf.Place, what, why, do string) {
	r.add(severityWarning, at, what, why, do)
}
func (r *report) note(at fbconf.Place, what, why, do string) { r.add(severityNote, at, what, why, do) }

// count is how many findings are of a severity.
func (r *report) count(s severity) (n int) {
	for _, f := range r.findings {
		if f.severity == s {
			n++
		}
	}
	return n
}

// failed tells whether there is an error at a line.
func (r *report) failed(at fbconf.Place) bool { return r.errorsAt[at] }

// print writes the findings in the order of files, and of the lines in each.
func (r *report) print(w io.Writer, files []string) {
	position := make(map[string]int)
	for i, file := range slices.Backward(files) {
		position[file] = i + 1
	}
	slices.SortStableFunc(r.findings, func(a, b finding) int {
		if a.File != b.File {
			return position[a.File] - position[b.File]
		}
		return a.Line - b.Line
	})
	for _, f := range r.findings {
		writeLine(w, "%v: %v: %s", f.Place, f.severity, f.what)
		if f.why != "" {
			writeLine(w, "    why: %s", f.why)
		}
		writeLine(w, "    do:  %s", f.do)
	}
}

// writeLine writes one line, whatever is in what it is made of.
func writeLine(w io.Writer, format string, a ...any) {
	fmt.Fprintln(w, display.Line(fmt.Sprintf(format, a...)))
}

// summary is the last line about a configuration.
func (r *report) summary(files, outputs int) string {
	return fmt.Sprintf("%s, %s of sls_kafka: %s, %s, %s", number(files, "file"), number(outputs, "output"),
		number(r.count(severityError), "error"), number(r.count(severityWarning), "warning"), number(r.count(severityNote), "note"))
}

func number(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// list joins names for a sentence, as many as somebody reads.
func list(names []string) string {
	const most = 20
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}
