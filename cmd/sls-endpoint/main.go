// Command sls-endpoint is a local stand-in for the Kafka-compatible endpoint of Alibaba Cloud Simple Log Service. It prints
// the address it listens on, then each log on a line as it lands, and at SIGINT or SIGTERM how many landed. With -http it
// also serves what landed as a web page and as JSON, and switches faults on and off. See docs/endpoint.md.
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

	"out_sls_kafka/test/sls"
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
		fmt.Fprintln(os.Stderr, "sls-endpoint:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong use")

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
	p, err := listenPage(s.http)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
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

	listening := make(chan struct{})     // the address is the first line, before any log
	s.options.DiscardLogs = s.http == "" // they go to the screen and the file; only the page shows old ones
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
	if s.http != "" {
		p.serve(endpoint, end)
		screen.Write(func(b []byte) []byte { return fmt.Appendf(b, "page on http://%s/\n", p.listener.Addr()) })
	}
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
