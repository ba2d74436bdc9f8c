package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"out_sls_kafka/cmd/program"
	"out_sls_kafka/cmd/sls-check/probe"
	"out_sls_kafka/plugin/config"
)

// probing is what the flags say of -probe.
type probing struct {
	on, yes, sizes, load                bool
	endpoint, project, logstore, caFile string
	other, group, report                string
	idle, wait                          time.Duration
}

// define adds the flags of -probe.
func (p *probing) define(flags *flag.FlagSet) {
	flags.BoolVar(&p.on, "probe", false, "find out what no document says of the endpoint: some fifty experiments in a logstore made for it, and a report to publish. Takes the endpoint and the AccessKey from -c, or from -endpoint, -project and the environment (SLS_ACCESS_KEY_ID, SLS_ACCESS_KEY_SECRET)")
	flags.BoolVar(&p.yes, "yes", false, "with -probe, write without asking; needs -logstore")
	flags.StringVar(&p.logstore, "logstore", "", "with -probe, the `name` of the logstore to write odd records to, best one made for it")
	flags.StringVar(&p.project, "project", "", "with -probe and without -c, `name` of the project")
	flags.StringVar(&p.endpoint, "endpoint", "", "with -probe and without -c, `host` or host:port, as the option endpoint")
	flags.StringVar(&p.caFile, "tls-ca-file", "", "with -probe and without -c, `file` of the authority that the endpoint's certificate is from, where it is not a public one")
	flags.StringVar(&p.other, "other-endpoint", "", "with -probe, `host:port` of an endpoint of another region; one of Alibaba's has one unless this is none")
	flags.StringVar(&p.group, "group", "", "with -probe, consumer `group` to read back what landed, where the AccessKey may read (log:GetCursorOrData)")
	flags.BoolVar(&p.sizes, "sizes", true, "with -probe, look for the largest record and request, which writes up to 250 MB")
	flags.BoolVar(&p.load, "load", false, "with -probe, write to one shard until it is throttled, at most 400 MiB in 30 s")
	flags.DurationVar(&p.idle, "idle", 0, "with -probe, wait for up to this `time`, such as 15m, until an idle connection is closed")
	flags.DurationVar(&p.wait, "wait", time.Minute, "with -probe, how much `time` may pass until what was written can be read")
	flags.StringVar(&p.report, "report", "text", "with -probe, `form` of the report: text, json, or markdown to paste into an issue")
}

// logstoreName is SLS's rule.
var logstoreName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$`)

// check says which of the flags do not go together.
func (p *probing) check(self *program.Program, flags *flag.FlagSet, file string) error {
	var own []string
	all := flag.NewFlagSet("", flag.ContinueOnError)
	new(probing).define(all)
	flags.Visit(func(f *flag.Flag) {
		if all.Lookup(f.Name) != nil && f.Name != "probe" {
			own = append(own, "-"+f.Name)
		}
	})
	direct := p.endpoint != "" || p.project != "" || p.caFile != ""
	switch {
	case !p.on && len(own) > 0:
		return self.Wrong("%s: only with -probe", own[0])
	case !p.on:
		return nil
	case file != "" && direct:
		return self.Wrong("-probe takes the endpoint from -c or from -endpoint and -project, not from both")
	case file == "" && (p.endpoint == "" || p.project == "" || p.logstore == ""):
		return self.Wrong("which endpoint? Say -c fluent-bit.conf, or all of -endpoint, -project and -logstore")
	case p.yes && p.logstore == "":
		return self.Wrong("-yes needs -logstore: nothing odd is written to a logstore that was not named for it")
	case p.logstore != "" && !logstoreName.MatchString(p.logstore):
		return self.Wrong("-logstore: want 3 to 63 characters of a-z, 0-9, - and _, a letter or digit at both ends")
	case p.report != "text" && p.report != "json" && p.report != "markdown":
		return self.Wrong("-report: want text, json or markdown")
	case p.idle < 0 || p.wait <= 0:
		return self.Wrong("-idle and -wait: want a time above 0")
	}
	return nil
}

// probeOn asks for leave, runs the probe and writes its report to out; what else there is to say goes to stderr.
func probeOn(ctx context.Context, s settings, environment func(string) string, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	target, err := s.probe.target(s, environment)
	if err == nil {
		err = s.probe.consent(ctx, target, os.Stdin, stderr)
	}
	if err != nil {
		writeLine(stderr, "sls-check: %v", err)
		return statusErrors
	}
	target.Progress = func(text string) { fmt.Fprintln(stderr, text) }
	report, err := probe.Run(ctx, target)
	if report != nil {
		report.Version = about().Version
		if failed := s.probe.write(report, out); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil {
		writeLine(stderr, "sls-check: -probe: %v", err)
		return statusErrors
	}
	return statusFine
}

func (p *probing) write(report *probe.Report, out io.Writer) error {
	switch p.report {
	case "json":
		return report.WriteJSON(out)
	case "markdown":
		return report.WriteMarkdown(out)
	}
	return report.WriteText(out)
}

// target is what to ask, from the configuration or from the flags.
func (p *probing) target(s settings, environment func(string) string) (probe.Target, error) {
	cfg, err := p.configuration(s, environment)
	if err != nil {
		return probe.Target{}, err
	}
	if !cfg.TLSVerify && !s.send {
		return probe.Target{}, errors.New("tls_verify is off: the AccessKey would go to whoever answers; to send it all the same, -insecure")
	}
	if p.logstore != "" {
		cfg.Logstore = p.logstore
	}
	t := probe.Target{Config: cfg, Other: p.otherEndpoint(cfg.Endpoints[0]), Group: p.group, Sizes: p.sizes, Idle: p.idle, Load: p.load, Wait: p.wait, Now: time.Now}
	id, secret, token := environment("SLS_STS_ACCESS_KEY_ID"), environment("SLS_STS_ACCESS_KEY_SECRET"), environment("SLS_STS_TOKEN")
	if id != "" && secret != "" && token != "" {
		t.STS = config.Secret(id + "#" + secret + "#" + token)
	}
	return t, nil
}

// configuration is that of the first output whose logstore is the one named, or else of the first.
func (p *probing) configuration(s settings, environment func(string) string) (*config.Config, error) {
	if s.file == "" {
		given := map[string]string{"endpoint": p.endpoint, "project": p.project, "logstore": p.logstore, "tls_ca_file": p.caFile}
		cfg, _, err := config.Parse(config.Source{Property: func(key string) string { return given[key] }, Getenv: s.getenv(environment)})
		return cfg, err
	}
	var first *config.Config
	c := examine(s.file, "", s.getenv(environment))
	for _, o := range c.outputs {
		switch {
		case o.parsed == nil:
		case o.parsed.Logstore == p.logstore:
			return o.parsed, nil
		case first == nil:
			first = o.parsed
		}
	}
	if first == nil {
		return nil, errors.New("no output of sls_kafka can be used; without -probe is said why")
	}
	return first, nil
}

// otherEndpoint is the same project at another region of Alibaba's.
func (p *probing) otherEndpoint(endpoint string) string {
	switch {
	case p.other == "none":
		return ""
	case p.other != "":
		return p.other
	}
	project, rest, found := strings.Cut(endpoint, ".")
	region, domain, _ := strings.Cut(rest, ".")
	if !found || !strings.HasPrefix(domain, "log.aliyuncs.com:") {
		return ""
	}
	other := "cn-shanghai"
	if strings.HasPrefix(region, other) {
		other = "cn-hangzhou"
	}
	for _, network := range []string{"-intranet", "-internal"} {
		if strings.HasSuffix(region, network) {
			other += network
		}
	}
	return project + "." + other + "." + domain
}

// consent says what will be written and waits for a yes.
func (p *probing) consent(ctx context.Context, t probe.Target, in io.Reader, out io.Writer) error {
	fmt.Fprintf(out, "sls-check -probe writes some 150 odd records (times from 1970 to tomorrow, what is not JSON, reserved keys) to logstore %s of project %s at %s.\n",
		t.Config.Logstore, t.Config.Project, t.Config.Endpoints[0])
	if t.Sizes {
		fmt.Fprintln(out, "It writes up to 250 MB more to find the largest record and request; -sizes=false leaves that out.")
	}
	if t.Load {
		fmt.Fprintln(out, "It writes up to 400 MiB more to one shard until that is throttled.")
	}
	if t.Other != "" {
		fmt.Fprintf(out, "It shows the AccessKey to %s too, an endpoint of another region; -other-endpoint none leaves that out.\n", t.Other)
	}
	fmt.Fprintln(out, "SLS bills it as any other log. Use a logstore made for it, and delete that afterwards.")
	if p.yes {
		return nil
	}
	fmt.Fprint(out, "Go on? Write yes: ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n') // no line is not a yes
		answer <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answer:
		if line == "yes" {
			return nil
		}
	case <-ctx.Done():
	}
	return errors.New("nothing was written")
}
