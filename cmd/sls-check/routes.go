package main

import (
	"fmt"
	"slices"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/encoder"
)

// anyTag are inputs whose records bring their own tag.
// Source: Fluent Bit 5.1.1, the plugins of these names.
var anyTag = []string{"forward", "http", "opentelemetry", "splunk", "elasticsearch", "prometheus_remote_write", "emitter", "stream_processor"}

// tagOf is the tag of an input's records; * in it stands for any text. index is its place among the inputs.
func tagOf(in *fbconf.Section, index int) string {
	if slices.Contains(anyTag, strings.ToLower(in.Plugin())) || in.First("tag_regex") != nil {
		return "*"
	}
	if tag := value(in, "tag"); tag != "" {
		return tag
	}
	return fmt.Sprintf("%s.%d", in.Plugin(), index)
}

// retags tells whether records of a tag may get another.
func (c *check) retags(tag string) bool {
	for _, f := range c.config.Of(fbconf.Filter) {
		if strings.EqualFold(f.Plugin(), "rewrite_tag") && (f.First("match_regex") != nil || meet(tag, value(f, "match"))) {
			return true
		}
	}
	return len(c.config.Of(fbconf.StreamProcessor)) > 0 || c.service.First("streams_file") != nil
}

// checkRoutes finds the inputs that feed each output, and looks at what they do with records that wait. There may be
// thousands of both: what is known of one is found out once.
func (c *check) checkRoutes() {
	inputs := c.config.Of(fbconf.Input)
	if len(inputs) == 0 {
		c.note(c.service.Place, "there are no inputs", "What is not here cannot be examined.", "see that each input has storage.type filesystem")
	}
	for _, in := range inputs {
		c.checkStorage(in)
	}
	sources := c.sources()
	for _, o := range c.outputs {
		fed := 0
		match := o.Last("match")
		for i := range sources {
			s := &sources[i]
			if !s.feeds(o, match) {
				continue
			}
			fed++
			c.checkKinds(s.Section, o)
			if !s.checked {
				s.checked = true
				c.checkInput(s.Section)
			}
		}
		c.checkMatch(o, len(inputs), fed)
	}
	c.checkEmitters()
}

// source is an input, and where its records may go.
type source struct {
	*fbconf.Section
	tag      string
	anywhere bool // to outputs whose Match does not take the tag, too
	alone    bool // there is one output, and no other input: no Match is needed
	checked  bool
}

// sources are all inputs.
func (c *check) sources() []source {
	inputs := c.config.Of(fbconf.Input)
	all := make([]source, len(inputs))
	alone := len(inputs) == 1 && len(c.config.Of(fbconf.Output)) == 1
	for i, in := range inputs {
		tag := tagOf(in, i)
		all[i] = source{Section: in, tag: tag, anywhere: in.Routed || c.retags(tag), alone: alone}
	}
	return all
}

// feeds tells whether records may come to an output, which has that Match, or none.
func (s *source) feeds(o *output, match *fbconf.Property) bool {
	if match == nil {
		return o.routed || s.anywhere || s.alone
	}
	return o.routed || s.anywhere || meet(s.tag, match.Value)
}

// overlaps tells whether a record may match both outputs.
func (o *output) overlaps(other *output) bool {
	return !o.routed && !other.routed && meet(o.match, other.match) // else it cannot be told
}

// checkMatch looks for an output that gets nothing.
func (c *check) checkMatch(o *output, inputs, fed int) {
	match := o.Last("match")
	switch {
	case fed > 0 || inputs == 0:
	case match == nil:
		c.fail(o.Place, "Match is missing", "Among several inputs or outputs, one without Match gets no records.", "say which tags: Match *")
	default:
		c.warn(match.Place, "no input has a tag that Match "+match.Shown()+" takes", "The output gets no records. Tags are "+list(c.tags())+"; upper and lower case differ.", "fix Match, or the Tag of the input")
	}
}

func (c *check) tags() (tags []string) {
	for i, in := range c.config.Of(fbconf.Input) {
		tags = append(tags, tagOf(in, i))
	}
	return tags
}

// storage is where an input's chunks wait.
func (c *check) storage(in *fbconf.Section) string {
	if own := value(in, "storage.type"); own != "" {
		return strings.ToLower(own)
	}
	inherited := strings.ToLower(value(c.service, "storage.type"))
	if isOn(c.service.Last("storage.inherit")) && slices.Contains([]string{"filesystem", "memrb"}, inherited) {
		return inherited
	}
	return "" // a word that is not a type counts as memory
}

// checkStorage looks for a storage with which Fluent Bit does not start, whatever the input feeds.
func (c *check) checkStorage(in *fbconf.Section) {
	at := place(in, "storage.type")
	switch c.storage(in) {
	case "", "memory", "memrb":
	case "filesystem":
		if value(c.service, "storage.path") == "" {
			c.fail(at, "input "+in.Plugin()+" is to store on disk, and storage.path is not set", "Fluent Bit ends: it does not know where.", "set storage.path in [SERVICE] to a directory that outlasts a restart")
		}
	default:
		c.fail(at, "storage.type of input "+in.Plugin()+" is none of Fluent Bit's", "Fluent Bit ends.", "set storage.type filesystem; allowed are filesystem, memory and memrb")
	}
}

// checkInput looks at an input whose records go to SLS.
func (c *check) checkInput(in *fbconf.Section) {
	at := place(in, "storage.type")
	name := "input " + in.Plugin()
	switch kind := c.storage(in); {
	case kind == "memrb":
		c.warn(at, name+" keeps what waits in a ring in memory", "It drops the oldest records when it is full, and all when Fluent Bit ends.", "set storage.type filesystem")
	case kind == "" || kind == "memory":
		what := name + " keeps what waits in memory"
		if kind == "" {
			what += ": storage.type is not set"
		}
		do := "set storage.type filesystem"
		if value(c.service, "storage.path") == "" {
			do += ", and storage.path in [SERVICE]"
		}
		c.warn(at, what, "Records that wait for SLS are lost when Fluent Bit crashes, is killed, or stops while SLS is away.", do)
	}
	if strings.EqualFold(in.Plugin(), "tail") && !isOn(in.Last("skip_long_lines")) && !isOn(in.Last("truncate_long_lines")) {
		limit := value(in, "buffer_max_size")
		if limit == "" {
			limit = "32k"
		}
		c.warn(place(in, "buffer_max_size"), "a line of more than "+limit+" makes input tail give up its file", "What comes after the line in that file is never read.", "set Skip_Long_Lines on, which leaves out that line alone, and Buffer_Max_Size 4M, so that few are")
	}
	if strings.EqualFold(in.Plugin(), "tail") && value(in, "db") == "" {
		c.warn(in.Place, "input tail has no DB", "It does not remember where it stopped: after a restart lines are read again, or those written while it was down are left out.", "set DB to a file that outlasts a restart")
	}
}

// checkKinds looks at an input that may give traces to an output, or metrics to one that has another form for them.
func (c *check) checkKinds(in *fbconf.Section, o *output) {
	if o.parsed == nil {
		return
	}
	e := &o.parsed.Encoding
	if strings.EqualFold(in.Plugin(), "opentelemetry") && e.TracesRoute == "" {
		c.note(o.Place, "traces of input opentelemetry are dropped here", "logstore_traces is not set.", "set it, or let Match not fit their tag")
	}
	if e.Metrics == encoder.MetricsStore && e.MetricsRoute == "" && slices.Contains(logInputs, strings.ToLower(in.Plugin())) {
		c.warn(o.Place, "logs of input "+in.Plugin()+" go where metrics go", "A metricstore stores no other records than those of metrics.", "set logstore_metrics")
	}
}

// logInputs are inputs that give logs alone.
var logInputs = []string{"tail", "systemd", "syslog", "kmsg", "docker_events", "kubernetes_events", "dummy", "tcp", "udp", "stdin", "exec"}

// checkEmitters looks at filters that take records from an input and give them out again from a store of their own.
func (c *check) checkEmitters() {
	for _, f := range c.config.Of(fbconf.Filter) {
		kind := value(f, "emitter_storage.type")
		if strings.EqualFold(f.Plugin(), "rewrite_tag") && (kind == "" || strings.EqualFold(kind, "memory")) {
			c.warn(place(f, "emitter_storage.type"), "filter rewrite_tag keeps what waits in memory", "Records with a new tag leave the input's storage for the filter's own, which is memory unless set.", "set Emitter_Storage.type filesystem")
		}
	}
}

// meet tells whether some text is matched by both patterns, in which * stands for any text.
func meet(a, b string) bool {
	starA, starB := strings.IndexByte(a, '*'), strings.IndexByte(b, '*')
	switch { // nearly all are like this
	case starA < 0 && starB < 0:
		return a == b
	case starA < 0 && starB == len(b)-1:
		return strings.HasPrefix(a, b[:starB])
	case starB < 0 && starA == len(a)-1:
		return strings.HasPrefix(b, a[:starA])
	case starA == len(a)-1 && starB == len(b)-1:
		return strings.HasPrefix(a[:starA], b[:starB]) || strings.HasPrefix(b[:starB], a[:starA])
	}
	return meetAnyhow(a, b)
}

// meetAnyhow is meet for patterns of any form. It takes time for each pair of characters, so long ones count as such that
// meet.
func meetAnyhow(a, b string) bool {
	const most = 4096
	if len(a) > most || len(b) > most {
		return true
	}
	// reached[j] tells whether what precedes the current place in a, and b[:j], can be the same text.
	reached := make([]bool, len(b)+1)
	reached[0] = true
	skip := func() { // a * of b may stand for nothing
		for j := range len(b) {
			reached[j+1] = reached[j+1] || reached[j] && b[j] == '*'
		}
	}
	skip()
	for i := range len(a) {
		next := make([]bool, len(b)+1)
		for j := range next {
			switch {
			case a[i] == '*':
				next[j] = reached[j] || j > 0 && next[j-1]
			case j > 0 && reached[j-1] && a[i] == b[j-1], j > 0 && reached[j] && b[j-1] == '*':
				next[j] = true
			}
		}
		reached = next
		skip()
	}
	return reached[len(b)]
}
