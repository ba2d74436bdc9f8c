// Command sls-endpoint is a local stand-in for the Kafka-compatible endpoint of Alibaba Cloud Simple Log Service. It prints
// the address it listens on, then each log on a line as it lands, and at SIGINT or SIGTERM how many landed. With -http it
// also serves what landed as a web page and as JSON, and switches faults on and off. See docs/tools.md.
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
	"out_sls_kafka/test/sls"
)

// The exit statuses.
const (
	statusFine   = 0
	statusFailed = 1
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends it where nobody reads what is still to be written
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(status(err, os.Stderr))
}

// status says what went wrong, and is the exit status for it.
func status(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, program.ErrDone) {
		return statusFine
	}
	fmt.Fprintln(stderr, "sls-endpoint:", err)
	if _, wrong := errors.AsType[*program.UseError](err); wrong {
		return program.StatusWrongUse
	}
	return statusFailed
}

// run serves until ctx is done or a log cannot be written.
func run(ctx context.Context, arguments []string, stdout io.Writer) (err error) {
	s, err := parseFlags(arguments, stdout)
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
		file, err := os.OpenFile(s.out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
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
		return cannotListen("-listen", s.options.Listen, err)
	}
	screen.Write(func(b []byte) []byte {
		return fmt.Appendf(b, "listening on %s, project %s, logstores %s\n", endpoint.Addr(), s.options.Project, strings.Join(s.options.Logstores, ", "))
	})
	if s.http != "" {
		p.serve(endpoint, end)
		screen.Write(func(b []byte) []byte { return fmt.Appendf(b, "page on http://%s/\n", p.listener.Addr()) })
		if !isLoopback(p.listener.Addr()) {
			screen.Write(func(b []byte) []byte {
				return append(b, "warning: whoever reaches that address reads the logs and switches faults\n"...)
			})
		}
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
