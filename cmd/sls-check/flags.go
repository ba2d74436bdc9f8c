package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"strings"

	"out_sls_kafka/cmd/program"
)

// version is set by the build.
var version string

// about is what sls-check says about itself.
func about() *program.Program {
	return &program.Program{
		Name:    "sls-check",
		Version: version,
		Summary: "examines a configuration of Fluent Bit whose records go to Alibaba Cloud SLS: what ends Fluent Bit, what loses records, what has no effect.",
		Usage:   "-c file [-e name=value]... [-strict] [-online [-write=false] [-insecure]] [-probe ...]",
		Statuses: []program.Status{
			{Code: statusFine, When: "no errors; warnings count with -strict alone"},
			{Code: statusWarnings, When: "warnings, with -strict"},
			{Code: statusErrors, When: "errors, a step of -online that failed, a -probe that could not be run, a report that could not be written, or wrong use"},
		},
		Examples: []program.Example{
			{What: "what is wrong with this configuration, without any connection", Arguments: "-c fluent-bit.conf"},
			{What: "before a deployment: warnings count, and a variable is set that only the service will have", Arguments: "-strict -e SLS_LOGSTORE=demo -c fluent-bit.yaml"},
			{What: "walk the way to each logstore, and write a test record to it", Arguments: "-online -c fluent-bit.conf"},
			{What: "the same without the test record", Arguments: "-online -write=false -c fluent-bit.conf"},
			{What: "find out what SLS really does, as a report for an issue", Arguments: "-probe -yes -logstore demo -group sls-check -report markdown -c fluent-bit.conf"},
		},
	}
}

// settings are what the flags say.
type settings struct {
	file   string
	online bool
	write  bool
	send   bool // the AccessKey, to whoever answers
	strict bool
	root   string
	env    map[string]string
	probe  probing
}

func parseFlags(arguments []string, stdout io.Writer) (settings, error) {
	s := settings{env: map[string]string{}}
	self := about()
	flags := flag.NewFlagSet(self.Name, flag.ContinueOnError)
	flags.Func("c", "configuration `file` to examine, with all that it includes; YAML where its name ends in .yaml or .yml, classic otherwise", func(file string) error {
		if s.file != "" {
			return errors.New("one configuration at a time")
		}
		if strings.HasPrefix(file, "-") { // most likely the next flag
			return errors.New("want the name of a file")
		}
		s.file = file
		return nil
	})
	flags.BoolVar(&s.online, "online", false, "also walk the way to each output's logstore: DNS, TCP, TLS, SASL, topic, and a test record")
	flags.BoolVar(&s.write, "write", true, "with -online, write one test record to each output's logstore; -write=false leaves it out")
	flags.BoolVar(&s.send, "insecure", false, "with -online and tls_verify off, send the AccessKey all the same, to whoever answers at the endpoint's address")
	flags.BoolVar(&s.strict, "strict", false, "warnings make the exit status 1")
	flags.StringVar(&s.root, "root", "", "`directory` that is the root of the machine that the configuration is of, such as an unpacked image: absolute paths in it are sought there, and what is not there is a note")
	nameless := false
	flags.Func("e", "variable that Fluent Bit will have and this shell has not, as `name=value`; repeat for several. Secrets are better put into the environment: others can see a command line", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		nameless = nameless || !found || name == ""
		s.env[name] = value
		return nil // the flag package would repeat the text, which may be a secret
	})
	s.probe.define(flags)
	if err := self.Parse(flags, arguments, stdout); err != nil {
		return s, err
	}
	if err := s.probe.check(self, flags, s.file); err != nil {
		return s, err
	}
	switch {
	case nameless:
		return s, self.Wrong("-e wants name=value: a variable, not a plugin as after fluent-bit's own -e")
	case flags.NArg() > 0:
		return s, stray(self, flags.Arg(0))
	case s.root != "" && (s.online || s.probe.on):
		return s, self.Wrong("-root is for a configuration of another machine: -online and -probe are for where it runs")
	case s.file == "" && !s.probe.on:
		return s, self.Wrong("which configuration? Say -c fluent-bit.conf")
	}
	return s, nil
}

// stray is what to say of an argument that belongs to no flag. It repeats only the name of a file: anything else may be
// the second half of a secret that has a blank in it.
func stray(self *program.Program, argument string) error {
	if _, err := os.Stat(argument); err == nil {
		return self.Wrong("unexpected argument %q: write -c before the configuration", argument)
	}
	return self.Wrong("unexpected argument that belongs to no flag: the configuration needs -c before it, a value with blanks quotes around it")
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
