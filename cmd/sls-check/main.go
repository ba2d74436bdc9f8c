// Command sls-check examines a configuration of Fluent Bit whose records go to SLS: what is wrong, what loses data, what
// has no effect. With -online it also walks the way to the logstore, step by step. See docs/tools.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"out_sls_kafka/cmd/program"
	"out_sls_kafka/plugin/display"
)

// The exit statuses.
const (
	statusFine     = 0
	statusWarnings = 1 // with -strict alone
	statusErrors   = 2 // also program.StatusWrongUse
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// execute examines what the arguments name and returns the exit status.
func execute(ctx context.Context, arguments []string, environment func(string) string, stdout, stderr io.Writer) int {
	s, err := parseFlags(arguments, stdout)
	switch {
	case errors.Is(err, program.ErrDone):
		return statusFine
	case err != nil:
		writeLine(stderr, "sls-check: %v", err)
		return statusErrors
	}
	out := &printer{w: stdout}
	status := statusFine
	if s.probe.on {
		status = probeOn(ctx, s, environment, out, &printer{w: stderr})
	} else {
		status = reportOn(ctx, s, environment, out)
	}
	if out.err != nil { // half a report may look like a good one
		fmt.Fprintln(stderr, "sls-check: write to standard output:", out.err)
		return statusErrors
	}
	return status
}

// reportOn writes the report and returns the exit status for what it says.
func reportOn(ctx context.Context, s settings, environment func(string) string, out io.Writer) int {
	c := examine(s.file, s.root, s.getenv(environment))
	c.print(out, c.config.Files)
	writeLine(out, "%s", c.summary(len(c.config.Files), len(c.outputs)))
	walked := true
	if s.online {
		// Only the walk ends in its own way: a file that never ends must not outlast Ctrl-C.
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		walked = walkAll(ctx, out, c.outputs, s)
		stop()
	}
	switch {
	case c.count(severityError) > 0 || !walked:
		return statusErrors
	case s.strict && c.count(severityWarning) > 0:
		return statusWarnings
	}
	return statusFine
}

// printer writes whole lines of plain text: a configuration or a certificate may hold what a terminal takes for a
// command. After an error it writes nothing more.
type printer struct {
	w   io.Writer
	err error
}

// Write takes whole lines. That no text within one begins another is up to writeLine.
func (p *printer) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if p.err == nil {
			_, p.err = io.WriteString(p.w, display.Line(strings.TrimSuffix(line, "\n"))+"\n")
		}
	}
	return len(text), p.err
}
