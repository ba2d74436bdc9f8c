package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"

	"out_sls_kafka/cmd/sls-endpoint/page"
	"out_sls_kafka/test/sls"
)

// defaultKeep is how many logs of each logstore the page shows unless -keep says otherwise.
const defaultKeep = 10_000

// settings are what the flags say.
type settings struct {
	options sls.Options
	caFile  string
	out     string
	http    string
}

func parseFlags(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	var logstores string
	o := &s.options
	flags := flag.NewFlagSet("sls-endpoint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&o.Project, "project", "demo-project", "project, the SASL user name")
	flags.StringVar(&logstores, "logstore", "demo", "`logstores`, separated by commas")
	flags.StringVar(&o.AccessKeyID, "access-key-id", "demo-id", "AccessKey ID, first half of the SASL password")
	flags.StringVar(&o.AccessKeySecret, "access-key-secret", "demo-secret", "AccessKey secret, second half of the SASL password")
	flags.IntVar(&o.Shards, "shards", 2, "shards of each logstore")
	flags.BoolVar(&o.RefuseSASL, "refuse-sasl", false, "refuse wrong credentials with SASL_AUTHENTICATION_FAILED instead of TOPIC_AUTHORIZATION_FAILED")
	flags.IntVar(&o.MaxMessageBytes, "max-message-bytes", 10<<20, "largest record batch in `bytes`; others are refused with MESSAGE_TOO_LARGE")
	flags.IntVar(&o.Quota.Bytes, "shard-bytes-per-second", 0, "write quota of each shard in `bytes` a second, over which batches are refused with THROTTLING_QUOTA_EXCEEDED; SLS's is 5 MB; 0 for none")
	flags.IntVar(&o.Quota.Writes, "shard-writes-per-second", 0, "the same in record `batches` a second; SLS's is 500; 0 for none")
	flags.BoolVar(&o.CheckTime, "check-time", false, "refuse batches with a record older than 168h or more than 15m in the future with INVALID_TIMESTAMP")
	flags.StringVar(&s.caFile, "ca-file", "", "`file` for the CA certificate that clients must trust; with the key beside it in file.key, both are used again at the next start")
	flags.StringVar(&s.out, "out", "", "`file` to append each log to as a line of JSON")
	flags.StringVar(&s.http, "http", "", "`host:port` to serve a page of what landed, the same as JSON, and calls for faults on, such as 127.0.0.1:8080; anyone who reaches it may use it")
	flags.IntVar(&o.Keep, "keep", defaultKeep, "how many `logs` of each logstore the page can show, the newest")
	flags.Func("fault", "`fault` to begin with, such as KAFKA_STORAGE_ERROR, NETWORK_EXCEPTION,count=5 or ACK_DELAY,delay=3s; repeat for several. One of "+strings.Join(sls.FaultNames(), ", "), func(text string) error {
		f, err := parseFault(text)
		o.Faults = append(o.Faults, f)
		return err
	})
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
		o.Logstores = append(o.Logstores, strings.TrimSpace(name))
	}
	return s, s.check()
}

// check refuses what the library takes for a default and here is a slip.
func (s *settings) check() error {
	o := &s.options
	for _, f := range []struct{ name, value string }{
		{"listen", o.Listen}, {"project", o.Project}, {"access-key-id", o.AccessKeyID}, {"access-key-secret", o.AccessKeySecret},
	} {
		if f.value == "" {
			return fmt.Errorf("-%s is empty; leave it out for its default", f.name)
		}
	}
	for _, f := range []struct {
		name        string
		value, from int
	}{
		{"shards", o.Shards, 1}, {"keep", o.Keep, 1}, {"max-message-bytes", o.MaxMessageBytes, 1},
		{"shard-bytes-per-second", o.Quota.Bytes, 0}, {"shard-writes-per-second", o.Quota.Writes, 0},
	} {
		if f.value < f.from {
			return fmt.Errorf("-%s %d: want at least %d", f.name, f.value, f.from)
		}
	}
	return nil
}

// parseFault reads NAME or NAME,key=value,key=value.
func parseFault(text string) (sls.Fault, error) {
	name, rest, _ := strings.Cut(text, ",")
	values, err := url.ParseQuery(strings.ReplaceAll(rest, ",", "&"))
	if err != nil {
		return sls.Fault{}, err
	}
	values.Set("fault", name)
	return page.ParseFault(values)
}
