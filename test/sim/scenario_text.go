package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"out_sls_kafka/test/simkafka"
)

// String is the scenario as [Parse] reads it.
func (s *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scenario family=%s seed=%d nodes=%d latency=%v duration=%v", s.Family, s.Seed, s.Nodes, s.Latency, s.Duration)
	pair(&b, "skew", s.Skew, 0)
	pair(&b, "maxbatch", s.MaxBatch, 0)
	pair(&b, "checkage", s.CheckAge, false)
	pair(&b, "named", s.Named, false)
	pair(&b, "flush", s.Flush, 0)
	pair(&b, "spool", s.Spool, false)
	s.Expect.print(&b)
	for _, o := range s.Options {
		fmt.Fprintf(&b, "\noption %s=%s", o.Key, o.Value)
	}
	for _, l := range s.Logstores {
		fmt.Fprintf(&b, "\nlogstore name=%s shards=%d", l.Name, l.Shards)
		pair(&b, "from", l.From, 0)
	}
	for i := range s.Inputs {
		s.Inputs[i].print(&b)
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, "\nevent at=%v kind=%s", e.At, e.Kind)
		pair(&b, "topic", e.Topic, "")
		pair(&b, "partition", e.Partition, 0)
		pair(&b, "to", e.To, 0)
	}
	for _, f := range s.Faults {
		fmt.Fprintf(&b, "\nfault %v", f)
	}
	for _, d := range s.Disk {
		d.print(&b)
	}
	return b.String() + "\n"
}

func (in *Input) print(b *strings.Builder) {
	fmt.Fprintf(b, "\ninput logstore=%s load=%s pause=%v", in.Logstore, in.Load, in.Pause)
	pair(b, "from", in.From, 0)
	pair(b, "until", in.Until, 0)
	pair(b, "lines", in.Lines, 0)
	pair(b, "records", in.Records, 0)
	pair(b, "size", in.Size, 0)
	pair(b, "shift", in.Shift, 0)
	pair(b, "badevery", in.BadEvery, 0)
	pair(b, "poison", in.Poison, 0)
	pair(b, "workers", in.Workers, 0)
}

// pair writes a value, unless it is the one that need not be said.
func pair[T comparable](b *strings.Builder, key string, value, unsaid T) {
	if value != unsaid {
		fmt.Fprintf(b, " %s=%v", key, value)
	}
}

// Parse reads a scenario. Lines that begin with # are comments.
func Parse(text string) (*Scenario, error) {
	s := &Scenario{}
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := s.parse(line); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", n+1, line, err)
		}
	}
	if s.Nodes < 1 || s.Duration <= 0 || len(s.Logstores) == 0 {
		return nil, fmt.Errorf("a scenario needs nodes, a duration and a logstore")
	}
	return s, nil
}

func (s *Scenario) parse(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "fault":
		f, err := simkafka.ParseFault(rest)
		s.Faults = append(s.Faults, f)
		return err
	case "option":
		key, value, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("want key=value")
		}
		s.Options = append(s.Options, Option{key, value})
		return nil
	}
	v := values{}
	for _, field := range strings.Fields(rest) {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return fmt.Errorf("%q: want key=value", field)
		}
		v.texts = append(v.texts, Option{key, value})
	}
	switch word {
	case "scenario":
		s.Family, s.Seed, s.Nodes = v.text("family"), uint64(v.number("seed")), v.number("nodes")
		s.Latency, s.Duration, s.Skew, s.Flush = v.duration("latency"), v.duration("duration"), v.duration("skew"), v.duration("flush")
		s.MaxBatch, s.CheckAge, s.Named = v.number("maxbatch"), v.text("checkage") == "true", v.text("named") == "true"
		s.Spool = v.text("spool") == "true"
	case "expect":
		s.Expect = Expect{v.duration("settled-within"), v.duration("fresh-within"), v.duration("closed-within"), v.number("rejected"), v.number("failed-at-most"),
			v.text("true-recovery") == "true", v.text("troubles") == "true", v.duration("every-shard-within")}
	case "logstore":
		s.Logstores = append(s.Logstores, Logstore{v.text("name"), v.number("shards"), v.duration("from")})
	case "input":
		s.Inputs = append(s.Inputs, Input{v.text("logstore"), Load(v.text("load")), v.duration("pause"), v.duration("from"), v.duration("until"),
			v.number("lines"), v.number("records"), v.number("size"), v.duration("shift"), v.number("badevery"), v.duration("poison"), v.number("workers")})
	case "event":
		s.Events = append(s.Events, Event{v.duration("at"), EventKind(v.text("kind")), v.text("topic"), int32(v.number("partition")), v.number("to")})
	case "disk":
		s.Disk = append(s.Disk, DiskFault{DiskFaultKind(v.text("kind")), v.text("op"), v.duration("from"), v.duration("until"), v.duration("delay"), v.number("room")})
	default:
		return fmt.Errorf("%q is not known", word)
	}
	return v.check()
}

// values are the key=value pairs of a line.
type values struct {
	texts []Option
	err   error
}

func (v *values) text(key string) string {
	i := slices.IndexFunc(v.texts, func(o Option) bool { return o.Key == key })
	if i < 0 {
		return ""
	}
	value := v.texts[i].Value
	v.texts = slices.Delete(v.texts, i, i+1)
	return value
}

func (v *values) number(key string) int {
	text := v.text(key)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil && v.err == nil {
		v.err = fmt.Errorf("%s=%s: want a number", key, text)
	}
	return n
}

func (v *values) duration(key string) time.Duration {
	text := v.text(key)
	if text == "" || text == "0" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil && v.err == nil {
		v.err = fmt.Errorf("%s=%s: want a duration such as 1m30s", key, text)
	}
	return d
}

// check reports the first value that could not be read, or a key nobody asked for.
func (v *values) check() error {
	if v.err == nil && len(v.texts) > 0 {
		return fmt.Errorf("%q is not known here", v.texts[0].Key)
	}
	return v.err
}
