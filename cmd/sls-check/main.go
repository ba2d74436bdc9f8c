// Command sls-check examines a configuration of Fluent Bit whose records go to SLS: what is wrong, what loses data, what
// has no effect. With -online it also walks the way to the logstore, step by step. See docs/sls-check.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"out_sls_kafka/cmd/program"
)

// The exit statuses.
const (
	statusFine     = 0
	statusWarnings = 1 // with -strict alone
	statusErrors   = 2 // also program.StatusWrongUse
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := execute(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// execute examines what the arguments name and returns the exit status.
func execute(ctx context.Context, arguments []string, environment func(string) string, stdout, stderr io.Writer) int {
	s, err := parseFlags(arguments, stdout)
	switch {
	case errors.Is(err, program.ErrDone):
		return statusFine
	case err != nil:
		fmt.Fprintln(stderr, "sls-check:", err)
		return statusErrors
	}
	c := examine(s.file, s.getenv(environment))
	c.print(stdout, c.config.Files)
	fmt.Fprintln(stdout, c.summary(len(c.config.Files), len(c.outputs)))
	walked := true
	if s.online {
		walked = walkAll(ctx, stdout, c.outputs, s.write)
	}
	switch {
	case c.count(severityError) > 0 || !walked:
		return statusErrors
	case s.strict && c.count(severityWarning) > 0:
		return statusWarnings
	}
	return statusFine
}
