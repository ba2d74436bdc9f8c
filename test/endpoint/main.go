// Command endpoint is a local stand-in for the Kafka-compatible endpoint of Alibaba Cloud Simple Log Service. It prints
// the address it listens on, then each log on a line as it lands, and at SIGINT or SIGTERM how many landed.
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

	"out_sls_kafka/test/endpoint/sls"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2) // the flag package has said what is wrong
	case err != nil:
		fmt.Fprintln(os.Stderr, "endpoint:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong use")

// settings are what the flags say.
type settings struct {
	options sls.Options
	caFile  string
	out     string
}

func parseFlags(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	var logstores string
	flags := flag.NewFlagSet("endpoint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.options.Listen, "listen", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&s.options.Project, "project", "demo-project", "project, the SASL user name")
	flags.StringVar(&logstores, "logstore", "demo", "`logstores`, separated by commas")
	flags.StringVar(&s.options.AccessKeyID, "access-key-id", "demo-id", "AccessKey ID, first half of the SASL password")
	flags.StringVar(&s.options.AccessKeySecret, "access-key-secret", "demo-secret", "AccessKey secret, second half of the SASL password")
	flags.IntVar(&s.options.Shards, "shards", 2, "shards of each logstore")
	flags.BoolVar(&s.options.RefuseSASL, "refuse-sasl", false, "refuse wrong credentials with SASL_AUTHENTICATION_FAILED instead of TOPIC_AUTHORIZATION_FAILED")
	flags.StringVar(&s.caFile, "ca-file", "", "`file` for the CA certificate that clients must trust; with the key beside it in file.key, both are used again at the next start")
	flags.StringVar(&s.out, "out", "", "`file` to append each log to as a line of JSON")
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return settings{}, err
		}
		return settings{}, errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q: there are flags only\n", flags.Arg(0))
		return settings{}, errUsage
	}
	for name := range strings.SplitSeq(logstores, ",") {
		s.options.Logstores = append(s.options.Logstores, strings.TrimSpace(name))
	}
	// The library takes an empty value for its default; here it is a slip.
	for _, f := range []struct{ name, value string }{
		{"listen", s.options.Listen}, {"project", s.options.Project},
		{"access-key-id", s.options.AccessKeyID}, {"access-key-secret", s.options.AccessKeySecret},
	} {
		if f.value == "" {
			return settings{}, fmt.Errorf("-%s is empty; leave it out for its default", f.name)
		}
	}
	if s.options.Shards < 1 {
		return settings{}, fmt.Errorf("-shards %d: want at least 1", s.options.Shards)
	}
	return s, nil
}

// run serves until ctx is done or a log cannot be written.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) (err error) {
	s, err := parseFlags(arguments, stderr)
	if err != nil {
		return err
	}
	if s.caFile != "" {
		if s.options.CA, err = caFromFile(s.caFile); err != nil {
			return err
		}
	}
	ctx, end := context.WithCancel(ctx)
	defer end()

	screen := newLineWriter(stdout, end)
	defer func() { err = errors.Join(err, screen.Close()) }()
	var out *lineWriter
	if s.out != "" {
		file, err := os.OpenFile(s.out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("-out: %w", err)
		}
		out = newLineWriter(file, end)
		defer func() { err = errors.Join(err, out.Close(), file.Close()) }()
	}

	listening := make(chan struct{}) // the address is the first line, before any log
	s.options.DiscardLogs = true     // they go to the screen and the file
	s.options.OnLog = func(l sls.Log) {
		<-listening
		screen.Write(func(b []byte) []byte { return appendReadable(b, l) })
		if out != nil {
			out.Write(func(b []byte) []byte { return appendJSON(b, l) })
		}
	}
	endpoint, err := sls.Start(s.options)
	if err != nil {
		return err
	}
	screen.Write(func(b []byte) []byte {
		return fmt.Appendf(b, "listening on %s, project %s, logstores %s\n", endpoint.Addr(), s.options.Project, strings.Join(s.options.Logstores, ", "))
	})
	close(listening)

	<-ctx.Done()
	endpoint.Close()
	for _, name := range s.options.Logstores {
		screen.Write(func(b []byte) []byte {
			return fmt.Appendf(b, "logstore %s: %d logs landed\n", name, endpoint.Count(name))
		})
	}
	return nil // a failed write is told by Close
}
