// Command bench measures what shipping logs costs Fluent Bit: with this plugin,
// with its built-in kafka output, and with none (the floor), in one run, on one
// machine, against one local endpoint that validates and acknowledges but keeps
// nothing. It prints a table and appends it to test/bench/last-run.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	var b bench
	flag.StringVar(&b.plugin, "plugin", "./out_sls_kafka.so", "the shared object")
	flag.IntVar(&b.lines, "lines", 3_000_000, "lines of the pipeline scenario")
	flag.IntVar(&b.repeats, "repeats", 3, "runs of each row")
	flag.IntVar(&b.seconds, "seconds", 60, "length of the paced and the small scenario")
	flag.StringVar(&b.doc, "doc", "test/bench/last-run.md", "file the table is appended to, empty for none")
	flag.StringVar(&b.profile, "profile", "", "file to write a CPU profile of the stages scenario to")
	endpoint := flag.String("endpoint", "", "serve as an endpoint and nothing else, writing the CA certificate there")
	shards := flag.Int("shards", 2, "of that endpoint's logstores")
	logstores := flag.Int("logstores", 1, "of that endpoint")
	scenarios := flag.String("scenarios", "pipeline,paced,small,stages,growth,trouble", "which to run")
	codecs := flag.String("codecs", "none,gzip,lz4,snappy", "codecs of the pipeline scenario")
	flag.StringVar(&b.extra, "options", "", "further options for this plugin, key=value separated by commas")
	flag.Parse()
	if *endpoint != "" {
		if err := serveEndpoint(*endpoint, *shards, *logstores); err != nil {
			fmt.Fprintln(os.Stderr, "endpoint:", err)
			os.Exit(1)
		}
		return
	}
	b.codecs = strings.Split(*codecs, ",")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		b.cleanUp()
		os.Exit(1)
	}()
	err := b.run(strings.Split(*scenarios, ","))
	b.cleanUp()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
