package config

import (
	"errors"
	"regexp"
	"time"

	"out_sls_kafka/encoder"
)

// option is one row of the table: everything about a key.
type option struct {
	name    string
	def     string // the default, as a user would write it, or in words; "": none
	allowed string // what is allowed, for a fault and for the document
	help    string
	secret  bool // its value must not be shown
	set     func(c *Config, v string) error
}

// MaxMessageBytes is the largest record value that SLS is known to accept over Kafka:
// max_send_limit_bytes of the Fluentd example in Alibaba's specification.
const MaxMessageBytes = 2097152

// MaxLogstoreName is the length of the longest name that a logstore may have, in bytes.
const MaxLogstoreName = 63

// ValidLogstore matches the names that a logstore may have.
var ValidLogstore = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$`)

var (
	projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	regionName  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z0-9]+)+$`)
)

const (
	required     = "required"
	durationForm = "a duration such as 500ms, 5s or 1m"
	switchForm   = "on or off"
)

// options is the table. The parser, the documentation and the search for typos read
// it.
var options = []option{
	{name: "project", def: required, allowed: "3 to 63 of a-z, 0-9 and -, not - at an end",
		help: "SLS project; it is also the SASL user name", set: pattern(projectName, func(c *Config) *string { return &c.Project })},
	{name: "logstore", def: required, allowed: logstoreForm + "; .json may follow",
		help: "Logstore, the Kafka topic. A .json ending is the same as parse_json on", set: setLogstore},
	{name: "endpoint", def: "this or region", allowed: "host[:port], several separated by commas",
		help: "Where SLS listens. An aliyuncs.com host without the project gets it in front; without a port it is 10011 for intranet, internal, vpc and share hosts, else 10012",
		set:  text(func(c *Config) *string { return &c.endpoint })},
	{name: "region", allowed: "a region such as cn-hangzhou or ap-southeast-5",
		help: "Builds the endpoint from project, region and network. cn-hangzhou-intranet is the same as network intranet", set: setRegion},
	{name: "network", def: "internet", allowed: "internet or intranet",
		help: "Which endpoint of the region: internet (port 10012) or intranet (port 10011)", set: setNetwork},
	{name: "broker_hosts", allowed: "host names, addresses, or *.domain, separated by commas",
		help: "Brokers that may be called besides the endpoint; others get no connection and no AccessKey. Unset: all that have a certificate of their own name; one outside of the endpoint's domain gets a warning. See [security.md](security.md#the-accesskey-stays-with-sls)",
		set:  setBrokerHosts},

	{name: "access_key_id", def: "environment SLS_ACCESS_KEY_ID", allowed: "an AccessKey ID without #", secret: true, // somebody may put id#secret here
		help: "AccessKey ID of an account or RAM user", set: setAccessKeyID},
	{name: "access_key_secret", def: "environment SLS_ACCESS_KEY_SECRET", allowed: "the secret of access_key_id", secret: true,
		help: "AccessKey secret", set: func(c *Config, v string) error { c.AccessKeySecret = Secret(v); return nil }},
	{name: "password", allowed: "id#secret", secret: true,
		help: "Instead of the two above: AccessKey ID and secret already joined by #", set: setPassword},
	{name: "credentials_file", allowed: "a readable file holding id#secret",
		help: "Instead of the three above: a file holding id#secret, read again for every new connection, so that a rotated secret takes effect",
		set:  text(func(c *Config) *string { return &c.CredentialsFile })},

	{name: "parse_json", def: "on", allowed: switchForm,
		help: "on: SLS makes fields of the record's first-level keys; off: the record lands as text in the field content", set: setParseJSON},
	{name: "format", def: "json", allowed: "json or raw",
		help: "json: the whole record; raw: the value of raw_key alone, which implies parse_json off", set: setFormat},
	{name: "raw_key", def: "log", allowed: "a first-level key", help: "The key whose value format raw sends",
		set: text(func(c *Config) *string { return &c.Encoding.RawKey })},
	{name: "time_key", allowed: fieldForm, help: "Adds the event's time under this key", set: field(func(c *Config) *string { return &c.Encoding.TimeKey })},
	{name: "time_format", def: "iso8601", allowed: "iso8601, epoch, epoch_ms or epoch_ns",
		help: "How time_key is written: iso8601 (nanoseconds, UTC), seconds with fraction, milliseconds, nanoseconds",
		set: word(func(c *Config, i int) { c.Encoding.TimeFormat = encoder.TimeISO8601 + encoder.TimeFormat(i) },
			"iso8601", "epoch", "epoch_ms", "epoch_ns")},
	{name: "time_key_override", def: "off", allowed: switchForm, help: "on: the event's time replaces a field of the record that has the name of time_key. off: that field stays, as an application's own time",
		set: toggle(func(c *Config, on bool) { c.Encoding.TimeOverrides = on })},
	{name: "replace_zero_time", def: "on", allowed: switchForm,
		help: "An event whose time is 0, as OTLP/JSON may give it, gets `observed_timestamp` of its metadata, or else the time at which it came here. off: it lands in 1970, where nobody looks for it",
		set:  toggle(func(c *Config, on bool) { c.Encoding.ReplaceZeroTime = on })},
	{name: "record_id_key", allowed: fieldForm, help: "Adds an id under this key, which is the same when the record lands twice. See [records.md](records.md#duplicates)",
		set: field(func(c *Config) *string { return &c.Encoding.RecordIDKey })},
	{name: "tag_key", allowed: fieldForm, help: "Adds Fluent Bit's tag under this key", set: field(func(c *Config) *string { return &c.Encoding.TagKey })},
	{name: "metadata_key", allowed: fieldForm, help: "Adds the event's metadata under this key, without credentials such as `hec_token` of the splunk input", set: field(func(c *Config) *string { return &c.Encoding.MetadataKey })},
	{name: "group_key", allowed: fieldForm, help: "Adds the attributes of the event's OTLP group under this key", set: field(func(c *Config) *string { return &c.Encoding.GroupKey })},
	{name: "reserved_keys", def: "keep", allowed: "keep, rename or drop",
		help: "Fields of a record whose name SLS reserves (`__time__`, `__tag__:…` and others), or is empty or over 128 bytes: keep them, rename them (`record__time__`) or drop them; drop also rejects a record without fields. See [records.md](records.md#keys-that-sls-reserves)",
		set: word(func(c *Config, i int) {
			c.Encoding.Reserved = encoder.ReservedKeys{Policy: encoder.ReservedPolicy(i), Names: reservedKeys, MaxBytes: maxKeyBytes}
		}, "keep", "rename", "drop")},
	{name: "metrics_format", def: "json", allowed: "json or metricstore",
		help: "What a sample of metrics becomes: json: one record with all that belongs to it; metricstore: one for each value, with `__name__`, `__labels__`, `__time_nano__` and `__value__`, as SLS's metricstores have them. See [records.md](records.md#metricstore)",
		set:  word(func(c *Config, i int) { c.Encoding.Metrics = encoder.MetricsFormat(i) }, "json", "metricstore")},
	{name: "metrics_delta", def: "reject", allowed: "reject or keep",
		help: "With metrics_format metricstore: metrics that count since the sample before (delta), not since the start, are rejected, or kept as they are",
		set:  word(func(c *Config, i int) { c.Encoding.KeepDelta = i == 1 }, "reject", "keep")},
	{name: "logstore_key", allowed: accessorForm, help: "What is found here names the logstore; where something is absent, or it is not a valid name, logstore does. Read [who chooses the logstore](#who-chooses-the-logstore)",
		set: setLogstoreKey},
	{name: "logstore_allowed", allowed: "names of logstores, and beginnings of names with a * behind them, separated by commas", help: "The logstores that logstore_key may name, all without this option; what it finds else goes to logstore, and is counted",
		set: setLogstoreAllowed},
	{name: "logstore_metrics", allowed: storeForm, help: "The logstore of all metrics, whatever logstore_key says. Without it they go where logs go",
		set: pattern(ValidLogstore, func(c *Config) *string { return &c.Encoding.MetricsRoute })},
	{name: "logstore_traces", allowed: storeForm, help: "The logstore of all traces. Without it traces are dropped, which the log says once. See [records.md](records.md#traces)",
		set: pattern(ValidLogstore, func(c *Config) *string { return &c.Encoding.TracesRoute })},
	{name: "unknown_logstore", def: "wait", allowed: "wait, default or reject",
		help: "What becomes of records whose logstore of logstore_key, logstore_metrics or logstore_traces does not exist: they wait for it, in a share of buffer_limit of their own; go to logstore; or are rejected, which needs dead_letter_file",
		set:  word(func(c *Config, i int) { c.UnknownLogstore = UnknownLogstore(i) }, "wait", "default", "reject")},
	{name: "unknown_logstore_after", def: "1m", allowed: durationForm + ", at most 24h", help: "How long a logstore has to be missing until unknown_logstore default or reject sets in",
		set: duration(0, 24*time.Hour, func(c *Config) *time.Duration { return &c.UnknownLogstoreAfter })},

	{name: "message_key", allowed: "any text", help: "Kafka key of every record. With partitioner key_hash it sends everything to one shard",
		set: text(func(c *Config) *string { return &c.MessageKey })},
	{name: "message_key_field", allowed: accessorForm, help: "What is found here is the Kafka key, at most 1024 bytes of it; where something is absent, message_key is",
		set: setMessageKeyField},
	{name: "partitioner", def: "uniform", allowed: "uniform, round_robin or key_hash", help: "How records are spread over shards",
		set: word(func(c *Config, i int) { c.Partitioner = Partitioner(i) }, "uniform", "round_robin", "key_hash")},

	{name: "compression", def: "gzip", allowed: "none, gzip, snappy, lz4 or zstd", help: "Codec of the batches. SLS documents gzip and none", set: setCompression},
	{name: "compression_level", def: "the codec's fast level", allowed: "a number: gzip 1 to 9, lz4 0 to 9, zstd 1 to 22",
		help: "Higher is smaller and slower. For gzip it is 3, and 2 while batches wait", set: setLevel},
	{name: "required_acks", def: "1", allowed: "1 or all", help: "1: the shard's leader; all: every replica in sync", set: setAcks},
	{name: "max_message_bytes", def: "1000000", allowed: "a size from 1K to 2097152 (2M)", help: "Largest record value",
		set: size(1024, MaxMessageBytes, func(c *Config, n int64) { c.MaxMessageBytes = int(n) })},
	{name: "oversize", def: "reject", allowed: "reject or truncate",
		help: "A larger record is rejected, or its longest string value is cut to fit and __truncated__ says so; where that does not do, as with thousands of fields, it is rejected too",
		set:  word(func(c *Config, i int) { c.Encoding.Oversize = encoder.OversizeReject + encoder.Oversize(i) }, "reject", "truncate")},
	{name: "dead_letter_file", allowed: "a file in an existing directory", help: "Rejected records are kept here, a JSON line each: time, tag, logstore, reason, kafka_error, record",
		set: text(func(c *Config) *string { return &c.DeadLetterFile })},
	{name: "dead_letter_max_size", def: "64M", allowed: "a size from 64K to 1T", help: "Before dead_letter_file grows beyond this it becomes the older file, with .1 at its end, and the one before that is deleted, which the log says. What is written at once, some 256K, is in one file",
		set: size(64<<10, 1<<40, func(c *Config, n int64) { c.DeadLetterSize = n })},
	{name: "buffer_limit", def: "32M", allowed: "a size from 1M to 64G", help: "Memory of all chunks in flight; over it a chunk waits, still with Fluent Bit",
		set: size(1<<20, 64<<30, func(c *Config, n int64) { c.BufferLimit = n })},
	{name: "spool_path", allowed: "a directory, of this output alone; it is made where it is missing",
		help: "In trouble, chunks beyond max_held_chunks are kept here and delivered later, so that Fluent Bit has its places for other pipelines. On a disk that outlives the process, and not shared over a network",
		set:  text(func(c *Config) *string { return &c.SpoolPath })},
	{name: "spool_limit", def: "1G", allowed: "a size from 16M to 1024G", help: "Bytes of the files in spool_path. Over it chunks wait with Fluent Bit, as without a spool",
		set: size(16<<20, 1<<40, func(c *Config, n int64) { c.SpoolLimit = n })},
	{name: "max_held_chunks", def: "16", allowed: "a number from 0 to 16384", help: "With spool_path: how many chunks Fluent Bit holds in trouble, for all outputs of the process together",
		set: count(0, 16384, func(c *Config, n int) { c.MaxHeldChunks = n })},

	{name: "linger", def: "5ms", allowed: durationForm + ", at most 10s", help: "How long a batch waits to be filled",
		set: duration(0, 10*time.Second, func(c *Config) *time.Duration { return &c.Linger })},
	{name: "retry_backoff", def: "1s", allowed: durationForm + ", 10ms to 1h", help: "Wait after the second failure in a row; it doubles, and is up to a fifth more or less by chance. After the first it is at most 250ms",
		set: duration(10*time.Millisecond, time.Hour, func(c *Config) *time.Duration { return &c.RetryBackoff })},
	{name: "retry_backoff_max", def: "30s", allowed: durationForm + ", at least retry_backoff", help: "Longest wait after failures",
		set: duration(10*time.Millisecond, 24*time.Hour, func(c *Config) *time.Duration { return &c.RetryBackoffMax })},
	{name: "request_timeout", def: "10s", allowed: durationForm + ", 100ms to 10m", help: "How long the broker may work on a request; 5 s later the connection counts as dead",
		set: duration(100*time.Millisecond, 10*time.Minute, func(c *Config) *time.Duration { return &c.RequestTimeout })},
	{name: "dial_timeout", def: "5s", allowed: durationForm + ", 100ms to 10m", help: "For TCP and TLS of a new connection",
		set: duration(100*time.Millisecond, 10*time.Minute, func(c *Config) *time.Duration { return &c.DialTimeout })},
	{name: "exit_timeout", def: "5s", allowed: durationForm + ", at most 1h", help: "How long what is in flight may take when the process is signalled to stop, or the first output ends; one time for all outputs of the process",
		set: duration(0, time.Hour, func(c *Config) *time.Duration { return &c.ExitTimeout })},

	{name: "kafka_version", def: "2.1.0", allowed: "a version from 2.1.0 on, such as 3.6.0, or latest", help: "Highest protocol spoken", set: setKafkaVersion},
	{name: "ip_family", def: "auto", allowed: "auto, v4 or v6", help: "Addresses to connect to",
		set: word(func(c *Config, i int) { c.DialNetwork = [...]string{"tcp", "tcp4", "tcp6"}[i] }, "auto", "v4", "v6")},
	{name: "client_id", def: "fluent-bit-sls-kafka", allowed: "up to 256 bytes", help: "Client id the broker sees",
		set: func(c *Config, v string) error {
			if c.ClientID = v; len(v) > 256 {
				return errors.New("too long")
			}
			return nil
		}},

	{name: "tls_ca_file", def: "the system's roots", allowed: "a PEM file with a certificate", help: "Certificate authorities to trust instead of the system's",
		set: text(func(c *Config) *string { return &c.tlsCAFile })},
	{name: "tls_cert_file", allowed: "a PEM file, together with tls_key_file", help: "Client certificate", set: text(func(c *Config) *string { return &c.tlsCert })},
	{name: "tls_key_file", allowed: "a PEM file, together with tls_cert_file", help: "Key of the client certificate", set: text(func(c *Config) *string { return &c.tlsKey })},
	{name: "tls_server_name", def: "the host connected to", allowed: "a host name", help: "Name the certificate must carry", set: text(func(c *Config) *string { return &c.TLSServerName })},
	{name: "tls_verify", def: "on", allowed: switchForm, help: "off: accepts any certificate; for tests only",
		set: toggle(func(c *Config, on bool) { c.TLSVerify = on })},

	{name: "healthcheck", def: "on", allowed: "on, require or off", help: "At start: on logs whether logstore, logstore_metrics and logstore_traces can be reached; require: Fluent Bit stops if one cannot",
		set: setHealthcheck},
	{name: "flush_mode", def: "auto", allowed: "auto or blocking", help: "auto: waits in Fluent Bit's event loop where that is possible; blocking: on the calling thread",
		set: word(func(c *Config, i int) { c.FlushMode = FlushMode(i) }, "auto", "blocking")},
	{name: "flush_timeout", def: "10s", allowed: durationForm + ", 1s to 1h", help: "Longest blocking wait, after which Fluent Bit is asked to retry",
		set: duration(time.Second, time.Hour, func(c *Config) *time.Duration { return &c.FlushTimeout })},
}

// Option is a key that the plugin reads from an [OUTPUT] section.
type Option struct {
	Name   string
	Secret bool // its value must not be shown
}

// Options returns all keys that the plugin reads, in the order of the table.
func Options() []Option {
	all := make([]Option, len(options))
	for i := range options {
		all[i] = Option{options[i].name, options[i].secret}
	}
	return all
}

const (
	storeForm    = "as logstore, without .json"
	fieldForm    = "a key up to 128 bytes that SLS does not reserve"
	accessorForm = "a first-level key, or text with accessors such as $kubernetes['namespace_name'], $TAG[1], $TAG['namespace']"
	logstoreForm = "3 to 63 of a-z, 0-9, _ and -, a letter or digit at both ends"
)
