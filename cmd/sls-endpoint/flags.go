package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"

	"out_sls_kafka/cmd/program"
	"out_sls_kafka/cmd/sls-endpoint/page"
	"out_sls_kafka/test/sls"
)

// defaultKeep is how many logs of each logstore the page shows unless -keep says otherwise.
const defaultKeep = 10_000

// maxShards refuses a number with digits too many: a million shards take 0.8 GB before the first line.
const maxShards = 1000

// settings are what the flags say.
type settings struct {
	options sls.Options
	caFile  string
	out     string
	http    string
}

// version is set by the build.
var version string

// about is what sls-endpoint says about itself.
func about() *program.Program {
	return &program.Program{
		Name:    "sls-endpoint",
		Version: version,
		Summary: "is a local stand-in for the Kafka-compatible endpoint of Alibaba Cloud SLS. It prints its address, then each log as it lands, until it is interrupted.",
		Usage:   "[flags]",
		Statuses: []program.Status{
			{Code: statusFine, When: "ended by Ctrl-C (SIGINT) or SIGTERM"},
			{Code: statusFailed, When: "it could not start, or a log could not be written"},
			{Code: program.StatusWrongUse, When: "wrong use"},
		},
		Examples: []program.Example{
			{What: "an endpoint at a fixed address; clients trust sls-ca.pem, and again after a restart", Arguments: "-listen 127.0.0.1:9092 -ca-file sls-ca.pem"},
			{What: "with a page of what lands, and every log in a file", Arguments: "-ca-file sls-ca.pem -http 127.0.0.1:8080 -out logs.json"},
			{What: "several logstores, the first five writes refused and each answer late", Arguments: "-logstore demo,web -fault KAFKA_STORAGE_ERROR,count=5 -fault ACK_DELAY,delay=500ms"},
			{What: "the limits that SLS documents", Arguments: "-shard-bytes-per-second 5000000 -shard-writes-per-second 500 -check-time"},
			{What: "a service that refuses what no document promises", Arguments: "-profile strict"},
		},
	}
}

func parseFlags(arguments []string, stdout io.Writer) (settings, error) {
	self := about()
	var s settings
	var logstores string
	o := &s.options
	flags := flag.NewFlagSet(self.Name, flag.ContinueOnError)
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&o.Project, "project", "demo-project", "`name` of the project, the SASL user name")
	flags.StringVar(&logstores, "logstore", "demo", "`name` of the logstore, or several, separated by commas")
	flags.StringVar(&o.AccessKeyID, "access-key-id", "demo-id", "AccessKey `id`, first half of the SASL password")
	flags.StringVar(&o.AccessKeySecret, "access-key-secret", "demo-secret", "AccessKey `secret`, second half of the SASL password")
	flags.IntVar(&o.Shards, "shards", 2, "`number` of shards of each logstore")
	flags.BoolVar(&o.RefuseSASL, "refuse-sasl", false, "refuse wrong credentials with SASL_AUTHENTICATION_FAILED instead of TOPIC_AUTHORIZATION_FAILED")
	flags.IntVar(&o.MaxMessageBytes, "max-message-bytes", 10<<20, "largest record batch in `bytes`; others are refused with MESSAGE_TOO_LARGE")
	flags.IntVar(&o.Quota.Bytes, "shard-bytes-per-second", 0, "write quota of each shard in `bytes` a second, over which batches are refused with THROTTLING_QUOTA_EXCEEDED; SLS's is 5 MB; 0 for none")
	flags.IntVar(&o.Quota.Writes, "shard-writes-per-second", 0, "the same in record `batches` a second; SLS's is 500; 0 for none")
	flags.BoolVar(&o.CheckTime, "check-time", false, "refuse batches with a record older than 168h or more than 15m in the future with INVALID_TIMESTAMP")
	flags.Func("profile", "one of the services that SLS may be where Alibaba's documents are silent: `name` "+strings.Join(sls.Profiles(), ", ")+". Flags after it change what it sets (default lenient)", o.SetProfile)
	flags.StringVar(&s.caFile, "ca-file", "", "`file` for the CA certificate that clients must trust; its key is in file.key, and both are used again at the next start. Without it each start makes a CA that nobody gets")
	flags.StringVar(&s.out, "out", "", "`file` to append each log to as a line of JSON")
	flags.StringVar(&s.http, "http", "", "`host:port` to serve a page of what landed, the same as JSON, and calls for faults on, such as 127.0.0.1:8080; anyone who reaches it may use it")
	flags.IntVar(&o.Keep, "keep", defaultKeep, "how many `logs` of each logstore the page can show, the newest")
	flags.Func("fault", "`fault` to begin with, such as KAFKA_STORAGE_ERROR, NETWORK_EXCEPTION,count=5 or ACK_DELAY,delay=3s; repeat for several. One of "+strings.Join(sls.FaultNames(), ", "), func(text string) error {
		f, err := parseFault(text)
		o.Faults = append(o.Faults, f)
		return err
	})
	if err := self.Parse(flags, arguments, stdout); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, self.Wrong("unexpected argument %q: there are flags only", flags.Arg(0))
	}
	for name := range strings.SplitSeq(logstores, ",") {
		o.Logstores = append(o.Logstores, strings.TrimSpace(name))
	}
	if err := s.check(); err != nil {
		return settings{}, self.Wrong("%v", err)
	}
	return s, nil
}

// check refuses what the library refuses, and what it takes for a default and here is a slip.
func (s *settings) check() error {
	o := &s.options
	for _, f := range []struct{ name, value string }{
		{"listen", o.Listen}, {"project", o.Project}, {"access-key-id", o.AccessKeyID}, {"access-key-secret", o.AccessKeySecret},
	} {
		if f.value == "" {
			return fmt.Errorf("-%s is empty; leave it out for its default", f.name)
		}
	}
	if o.Shards > maxShards {
		return fmt.Errorf("-shards %d: want at most %d", o.Shards, maxShards)
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
	return cmp.Or(s.checkAddresses(), s.checkFiles(), o.Check())
}

func (s *settings) checkAddresses() error {
	if err := checkAddress("-listen", s.options.Listen, "127.0.0.1:9092"); err != nil || s.http == "" {
		return err
	}
	if s.http == s.options.Listen && !strings.HasSuffix(s.http, ":0") {
		return fmt.Errorf("-http and -listen are both %s: each needs a port of its own", s.http)
	}
	return checkAddress("-http", s.http, "127.0.0.1:8080")
}

// checkFiles keeps logs out of the files that clients trust.
func (s *settings) checkFiles() error {
	if s.out != "" && (s.out == s.caFile || s.out == s.caFile+keyEnding) {
		return fmt.Errorf("-out %s: it is a file of -ca-file; name another", s.out)
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
