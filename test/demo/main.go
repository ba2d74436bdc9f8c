// Command demo shows the whole way of a log: a file is tailed by Fluent Bit (or
// by the bundled host, if Fluent Bit is not installed), the plugin sends its
// lines to a local endpoint, and what lands there is printed as SLS would store
// it. It succeeds only if every line landed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"out_sls_kafka/test/sls"
)

const (
	project  = "demo-project"
	logstore = "demo"
	limit    = time.Minute // to give up after
)

func main() {
	pluginFile := flag.String("plugin", "./out_sls_kafka.so", "the shared object")
	logFile := flag.String("log", "", "log file to ship; by default one of this machine, or the sample")
	flag.Parse()
	if err := run(*pluginFile, *logFile); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(pluginFile, logFile string) error {
	dir, err := os.MkdirTemp("", "sls-kafka-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	source, lines, err := pickLines(logFile)
	if err != nil {
		return err
	}
	show := newShow(len(lines))
	e, err := sls.Start(sls.Options{Project: project, Logstores: []string{logstore}, OnLog: show.log})
	if err != nil {
		return err
	}
	defer e.Close()

	h, err := findHost(dir, pluginFile)
	if err != nil {
		return err
	}
	fmt.Printf("host:      %s\nplugin:    %s\nlog file:  %s, %d lines\nendpoint:  %s (local)\n\n", h.name, pluginFile, source, len(lines), e.Addr())
	p, err := h.start(dir, lines, e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	late := e.WaitCount(ctx, logstore, len(lines))
	output, err := p.stop()
	show.end()
	if late != nil {
		err = late
	}
	s := summarise(lines, e.Logs(logstore), output)
	fmt.Printf("\nsummary:   %v\n", s)
	if err != nil {
		return fmt.Errorf("%w\noutput of %s:\n%s", err, h.name, output)
	}
	return s.check()
}
