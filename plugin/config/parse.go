package config

import (
	"fmt"
	"strconv"
	"strings"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/display"
)

// Source is what a configuration is read from.
type Source struct {
	Property func(key string) string // a property of the section; "": not set, as in Fluent Bit
	Getenv   func(key string) string // a variable of the environment
	// Examine says that the output does not start: no file is made or opened for writing,
	// and misspelt keys are left to whoever can list them.
	Examine bool
	// WillExist tells, with Examine, that the directory of a file is made before the
	// output starts; nil: what is not there will not be.
	WillExist func(file string) bool
}

// Fault is one error in a configuration.
type Fault struct {
	Key     string // the option, or several joined by "/"
	Value   string // as given, with "***" in place of what may be a secret; "": missing
	Problem string
	Allowed string
}

// Error returns the key, the value, what is wrong and what is allowed, in one line.
func (f Fault) Error() string {
	var b strings.Builder
	if f.Key != "" {
		fmt.Fprintf(&b, "option %s", f.Key)
	}
	if f.Value != "" {
		fmt.Fprintf(&b, " = %q", display.Cut(f.Value))
	}
	if f.Key != "" {
		b.WriteString(": ")
	}
	b.WriteString(f.Problem)
	if f.Allowed != "" {
		fmt.Fprintf(&b, "; allowed: %s", f.Allowed)
	}
	return display.Line(b.String())
}

// hide makes the fault one that may be shown: its value, which its problem may repeat.
func (f *Fault) hide(secrets *display.Secrets) {
	shown := secrets.Value(f.Value)
	if shown != f.Value {
		quoted := strconv.Quote(f.Value)
		for _, given := range []string{f.Value, quoted[1 : len(quoted)-1]} {
			f.Problem = strings.ReplaceAll(f.Problem, given, shown)
		}
	}
	f.Value, f.Problem = shown, secrets.Hide(f.Problem)
}

// Faults are all errors in a configuration.
type Faults []Fault

// Error returns the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Parse reads and checks one [OUTPUT] section. The error is of the type Faults and has
// all that is wrong, not only the first. The warnings are remarks for an operator.
// They are returned with an error as well, for a typo may be its cause.
func Parse(src Source) (c *Config, warnings []string, err error) {
	c = &Config{Secrets: src.Secrets(), ParseJSON: true, DialNetwork: "tcp", TLSVerify: true, CompressionLevel: DefaultCompressionLevel, given: map[string]bool{}}
	var faults Faults
	for i := range options {
		o := &options[i]
		v, set := o.value(src)
		if v == "" {
			continue
		}
		err := o.set(c, v)
		c.given[o.name] = set && err == nil
		if err != nil {
			if o.secret {
				v = Secret(v).String()
			}
			faults = append(faults, Fault{o.name, v, err.Error(), o.allowed})
		}
	}
	faults = append(faults, c.resolve(src)...)
	if !src.Examine { // who examines a section sees its keys, and need not ask for each that there might be
		warnings = typos(src.Property)
	}
	warnings = append(warnings, c.warnings(src.Examine)...)
	for i, w := range warnings { // some repeat values
		warnings[i] = display.Line(c.Secrets.Hide(w))
	}
	if len(faults) > 0 {
		for i := range faults {
			faults[i].hide(c.Secrets)
		}
		return nil, warnings, faults
	}
	return c, warnings, nil
}

// value returns what the user set, or else the default; set tells which. A default in
// words is only for readers of the table, and counts as none.
func (o *option) value(src Source) (v string, set bool) {
	if v = unquote(src.Property(o.name)); v != "" {
		return v, true
	}
	if strings.ContainsRune(o.def, ' ') || o.def == required {
		return "", false
	}
	return o.def, false
}

// resolve checks what concerns several options, and derives the settings that depend
// on several.
func (c *Config) resolve(src Source) (faults []Fault) {
	fault := func(key, value, problem, allowed string) {
		faults = append(faults, Fault{key, value, problem, allowed})
	}
	if c.Project == "" {
		fault("project", "", "missing", "the name of the SLS project")
	}
	if c.Logstore == "" {
		fault("logstore", "", "missing", "the name of the logstore")
	}
	faults = append(faults, c.resolveFormat()...)
	faults = append(faults, c.resolveEndpoints()...)
	faults = append(faults, c.resolveCredentials(src.Getenv)...)
	faults = append(faults, c.resolveTLS()...)
	if c.RetryBackoffMax < c.RetryBackoff {
		fault("retry_backoff_max", c.RetryBackoffMax.String(), "shorter than retry_backoff "+c.RetryBackoff.String(), "at least retry_backoff")
	}
	faults = append(faults, c.checkLevel()...)
	c.Encoding.MaxBytes = c.MaxMessageBytes
	if c.DeadLetterFile != "" {
		if err := c.checkDeadLetterFile(src); err != nil {
			fault("dead_letter_file", c.DeadLetterFile, "cannot be written: "+cause(err), "a file in an existing directory")
		}
	}
	if c.UnknownLogstore == UnknownReject && c.DeadLetterFile == "" {
		fault("unknown_logstore", "reject", "rejected records would be lost", "together with dead_letter_file")
	}
	return faults
}

// warnings returns remarks on a configuration that is valid but may not be what the
// user wants.
func (c *Config) warnings(examine bool) (w []string) {
	w = c.fileWarnings(examine)
	if !c.TLSVerify {
		w = append(w, "tls_verify off: whoever answers at the endpoint's address receives the AccessKey; use it for tests only")
	}
	if c.Encoding.TimeOverrides && c.Encoding.TimeKey == "" {
		w = append(w, "time_key_override has no effect without time_key")
	}
	w = append(w, c.endpointWarnings()...)
	if c.given["raw_key"] && !c.formatRaw {
		w = append(w, "raw_key has no effect without format raw")
	}
	for _, key := range []string{"spool_limit", "max_held_chunks"} {
		if c.given[key] && c.SpoolPath == "" {
			w = append(w, key+" has no effect without spool_path")
		}
	}
	if c.MessageKey != "" && c.Partitioner == PartitionKeyHash && c.Encoding.KeyField == "" {
		w = append(w, "message_key with partitioner key_hash sends everything to one shard")
	}
	if c.LogstoreAllowed.Limited() && c.Encoding.RouteField == "" {
		w = append(w, "logstore_allowed has no effect without logstore_key")
	}
	if c.given["metrics_delta"] && c.Encoding.Metrics != encoder.MetricsStore {
		w = append(w, "metrics_delta has no effect without metrics_format metricstore")
	}
	if e := &c.Encoding; c.given["unknown_logstore"] && e.RouteField == "" && e.MetricsRoute == "" && e.TracesRoute == "" {
		w = append(w, "unknown_logstore has no effect without logstore_key, logstore_metrics or logstore_traces: records for logstore itself wait")
	}
	return w
}

// lineField is the field of tail and others, and of a record that is not a map.
const lineField = "log"

// resolveFormat decides parse_json, which three options set: parse_json, the .json
// ending of logstore, and format raw, whose values are not JSON.
func (c *Config) resolveFormat() (faults []Fault) {
	if c.jsonSuffix && c.given["parse_json"] && !c.ParseJSON {
		return []Fault{{"logstore/parse_json", c.Logstore + ".json", "the .json ending asks for JSON fields and parse_json off refuses them", "one of the two"}}
	}
	if c.formatRaw {
		if c.jsonSuffix || c.given["parse_json"] && c.ParseJSON {
			return []Fault{{"format", "raw", "a raw value is not JSON, but parse_json on or the .json ending of logstore asks SLS to parse it", "parse_json off, or format json"}}
		}
		c.ParseJSON = false
	}
	if c.Encoding.Metrics == encoder.MetricsStore && !c.ParseJSON {
		faults = append(faults, Fault{"metrics_format", "metricstore", "a metricstore needs the record's fields, but with parse_json off or format raw SLS stores it as one text", "parse_json on, in an [OUTPUT] section of its own if logs need it off"})
	}
	fields := []struct{ name, value string }{{"time_key", c.Encoding.TimeKey}, {"record_id_key", c.Encoding.RecordIDKey}, {"tag_key", c.Encoding.TagKey},
		{"metadata_key", c.Encoding.MetadataKey}, {"group_key", c.Encoding.GroupKey}}
	for i, f := range fields {
		if f.value != "" && c.formatRaw {
			faults = append(faults, Fault{f.name, f.value, "format raw sends one value alone, nothing can be added to it", "format json"})
		}
		if guards := f.name != "time_key" || c.Encoding.TimeOverrides; guards && f.value == lineField {
			faults = append(faults, Fault{f.name, f.value, "most inputs have the line in this field, and it would not land", "another name"})
		}
		for _, before := range fields[:i] {
			if f.value != "" && f.value == before.value {
				faults = append(faults, Fault{before.name + "/" + f.name, f.value, "both have the same name, so one would hide the other", "a name of its own for each"})
			}
		}
	}
	return faults
}

func (c *Config) checkLevel() []Fault {
	if !c.given["compression_level"] {
		return nil
	}
	low, high := 0, -1
	switch c.Compression {
	case "gzip":
		low, high = 1, 9
	case "lz4":
		low, high = 0, 9
	case "zstd":
		low, high = 1, 22
	}
	value := fmt.Sprint(c.CompressionLevel)
	if high < low {
		return []Fault{{"compression_level", value, "compression " + c.Compression + " has no levels", "gzip, lz4 or zstd"}}
	}
	if c.CompressionLevel < low || c.CompressionLevel > high {
		return []Fault{{"compression_level", value, "out of range", fmt.Sprintf("%d to %d for %s", low, high, c.Compression)}}
	}
	return nil
}
