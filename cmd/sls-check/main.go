// Command sls-check examines a configuration of Fluent Bit whose records go to SLS: what is wrong, what loses data, what
// has no effect. With -online it also walks the way to the logstore, step by step. See docs/sls-check.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// The exit statuses.
const (
	statusFine     = 0
	statusWarnings = 1 // with -strict alone
	statusErrors   = 2 // also for wrong use
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := execute(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// settings are what the flags say.
type settings struct {
	file   string
	online bool
	write  bool
	strict bool
	env    map[string]string
}

// errUsage says that the flag package has said what is wrong.
var errUsage = errors.New("wrong use")

func parseFlags(arguments []string, stderr io.Writer) (settings, error) {
	s := settings{env: map[string]string{}}
	flags := flag.NewFlagSet("sls-check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.file, "c", "", "configuration `file` of Fluent Bit, classic or YAML")
	flags.BoolVar(&s.online, "online", false, "also connect to each output's endpoint: DNS, TCP, TLS, SASL, topic, and write a test record")
	flags.BoolVar(&s.write, "write", true, "with -online, write one test record to each output's logstore")
	flags.BoolVar(&s.strict, "strict", false, "exit with 1 where there are warnings")
	nameless := false
	flags.Func("e", "environment variable that Fluent Bit will have, as `name=value`; repeat for several", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		nameless = nameless || !found || name == ""
		s.env[name] = value
		return nil // the flag package would repeat the text, which may be a secret
	})
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, errUsage
	}
	switch {
	case nameless:
		return s, errors.New("-e wants name=value")
	case flags.NArg() > 0:
		return s, errors.New("there are flags only, such as -c fluent-bit.conf; -help lists them")
	case s.file == "":
		return s, errors.New("which configuration? Say -c fluent-bit.conf")
	}
	return s, nil
}

// getenv asks the flags before the environment.
func (s *settings) getenv(environment func(string) string) func(string) string {
	return func(name string) string {
		if value, set := s.env[name]; set {
			return value
		}
		return environment(name)
	}
}

// execute examines what the arguments name and returns the exit status.
func execute(ctx context.Context, arguments []string, environment func(string) string, stdout, stderr io.Writer) int {
	s, err := parseFlags(arguments, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return statusFine
	case errors.Is(err, errUsage):
		return statusErrors
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
