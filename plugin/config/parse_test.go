package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kversion"

	"out_sls_kafka/encoder"
)

// minimal is the least that a section must have.
func minimal() map[string]string {
	return map[string]string{"project": "my-project", "logstore": "my-logstore", "region": "cn-hangzhou",
		"access_key_id": "LTAI1", "access_key_secret": "t0p-s3cret"}
}

// with is minimal with some properties changed; "" removes one.
func with(pairs ...string) map[string]string {
	m := minimal()
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func source(properties map[string]string, env ...string) Source {
	return Source{
		Property: func(k string) string { return properties[k] },
		Getenv: func(k string) string {
			if i := slices.Index(env, k); i >= 0 {
				return env[i+1]
			}
			return ""
		},
	}
}

func TestDefaults(t *testing.T) {
	c, warnings, err := Parse(source(minimal()))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	for name, ok := range map[string]bool{
		"endpoint":     slices.Equal(c.Endpoints, []string{"my-project.cn-hangzhou.log.aliyuncs.com:10012"}),
		"topic":        c.Topic(c.Logstore) == "my-logstore.json",
		"compression":  c.Compression == "gzip",
		"acks":         c.RequiredAcks == AcksLeader,
		"sizes":        c.MaxMessageBytes == 1000000 && c.Encoding.MaxBytes == 1000000 && c.BufferLimit == 32<<20,
		"times":        c.Linger == 5*time.Millisecond && c.RetryBackoff == time.Second && c.RetryBackoffMax == 30*time.Second,
		"timeouts":     c.RequestTimeout == 10*time.Second && c.DialTimeout == 5*time.Second && c.ExitTimeout == 5*time.Second && c.FlushTimeout == 10*time.Second,
		"version":      c.KafkaVersion.Equal(kversion.V2_1_0()),
		"client":       c.ClientID == "fluent-bit-sls-kafka" && c.DialNetwork == "tcp",
		"tls":          c.TLSVerify && c.tlsCAFile == "",
		"modes":        c.Healthcheck == HealthcheckOn && c.FlushMode == FlushAuto && c.Partitioner == PartitionUniform,
		"format":       c.Encoding.Format == encoder.FormatJSON && c.Encoding.RawKey == "log" && c.Encoding.Oversize == encoder.OversizeReject,
		"zero time":    c.Encoding.ReplaceZeroTime,
		"reserved":     c.Encoding.Reserved.Policy == encoder.ReservedKeep && c.Encoding.Reserved.Match("__tag__:x") && c.Encoding.Reserved.Match(strings.Repeat("k", 129)),
		"nothing more": c.Encoding.TimeKey == "" && c.Encoding.TagKey == "" && c.MessageKey == "" && c.DeadLetterFile == "",
	} {
		if !ok {
			t.Errorf("default of %s: %+v", name, c)
		}
	}
}

func TestValues(t *testing.T) {
	tests := map[string]struct {
		properties map[string]string
		ok         func(c *Config) bool
	}{
		"quotes":         {with("project", ` "my-project" `), func(c *Config) bool { return c.Project == "my-project" }},
		"json suffix":    {with("logstore", "app.json"), func(c *Config) bool { return c.Logstore == "app" && c.Topic("app") == "app.json" }},
		"parse_json off": {with("parse_json", "off"), func(c *Config) bool { return c.Topic("app") == "app" }},
		"raw": {with("format", "raw", "raw_key", "message"), func(c *Config) bool {
			return !c.ParseJSON && c.Encoding.Format == encoder.FormatRaw && c.Encoding.RawKey == "message"
		}},
		"intranet": {with("network", "Intranet"), func(c *Config) bool {
			return c.Endpoints[0] == "my-project.cn-hangzhou-intranet.log.aliyuncs.com:10011"
		}},
		"sizes":         {with("buffer_limit", "64m", "max_message_bytes", "2048K"), func(c *Config) bool { return c.BufferLimit == 64<<20 && c.MaxMessageBytes == 2<<20 }},
		"plain size":    {with("max_message_bytes", "2097152"), func(c *Config) bool { return c.MaxMessageBytes == 2097152 }},
		"all acks":      {with("required_acks", "ALL"), func(c *Config) bool { return c.RequiredAcks == AcksAll }},
		"latest":        {with("kafka_version", "latest"), func(c *Config) bool { return c.KafkaVersion == nil }},
		"newer version": {with("kafka_version", "3.6.0"), func(c *Config) bool { return c.KafkaVersion.Equal(kversion.V3_6_0()) }},
		"level":         {with("compression", "zstd", "compression_level", "3"), func(c *Config) bool { return c.CompressionLevel == 3 }},
		"time": {with("time_key", "@timestamp", "time_format", "epoch_ns"), func(c *Config) bool {
			return c.Encoding.TimeKey == "@timestamp" && c.Encoding.TimeFormat == encoder.TimeEpochNanos
		}},
		"accessors":  {with("logstore_key", "$kubernetes['namespace_name']", "message_key_field", "id"), func(c *Config) bool { return c.Encoding.RouteField != "" && c.Encoding.KeyField == "id" }},
		"own time":   {with("time_key", "log"), func(c *Config) bool { return !c.Encoding.TimeOverrides }},
		"event time": {with("time_key", "time", "time_key_override", "on"), func(c *Config) bool { return c.Encoding.TimeOverrides }},
		"allowed": {with("logstore_key", "ns", "logstore_allowed", " web , team-*,a*"), func(c *Config) bool {
			a := &c.LogstoreAllowed
			return a.Has("web") && a.Has("team-") && a.Has("team-b") && a.Has("ab") && !a.Has("webs") && !a.Has("Team-b") && !a.Has("") && a.Limited()
		}},
		"all allowed":       {with("logstore_key", "ns"), func(c *Config) bool { return c.LogstoreAllowed.Has("web") && !c.LogstoreAllowed.Limited() }},
		"tag":               {with("logstore_key", "k8s-$TAG['namespace']", "message_key_field", "$TAG['pod']/$log"), func(c *Config) bool { return c.Encoding.RouteField == "k8s-$TAG['namespace']" }},
		"long text":         {with("logstore_key", strings.Repeat("a", 62)+"$TAG[1]"), func(c *Config) bool { return true }},
		"v6":                {with("ip_family", "v6"), func(c *Config) bool { return c.DialNetwork == "tcp6" }},
		"password":          {with("access_key_id", "", "access_key_secret", "", "password", "id#se#cret"), func(c *Config) bool { return c.Password == "id#se#cret" }},
		"truncate":          {with("oversize", "truncate"), func(c *Config) bool { return c.Encoding.Oversize == encoder.OversizeTruncate }},
		"secret with blank": {with("access_key_secret", "'a b'"), func(c *Config) bool { return c.AccessKeySecret == "a b" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, _, err := Parse(source(tt.properties))
			if err != nil {
				t.Fatal(err)
			}
			if !tt.ok(c) {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const missing = "/there/is/no/such/directory/file"
	tests := map[string]struct {
		properties map[string]string
		want       string
	}{
		"no project":      {with("project", ""), "option project: missing; allowed: the name of the SLS project"},
		"no logstore":     {with("logstore", ""), "option logstore: missing; allowed: the name of the logstore"},
		"virtual topic":   {with("logstore", "app.3"), `option logstore = "app.3": not a valid name`},
		"no place":        {with("region", ""), "option endpoint/region: missing"},
		"two places":      {with("endpoint", "h:1"), "option endpoint/region = \"h:1 / cn-hangzhou\": both are set"},
		"network alone":   {with("region", "", "endpoint", "h:1", "network", "intranet"), "option network"},
		"bad network":     {with("network", "vpn"), `option network = "vpn": not one of the words known here; allowed: internet or intranet`},
		"bad region":      {with("region", "hangzhou"), `option region = "hangzhou": not a valid name`},
		"bad endpoint":    {with("region", "", "endpoint", "h:99999"), "the port is not a number from 1 to 65535"},
		"other project":   {with("region", "", "endpoint", "their.cn-hangzhou.log.aliyuncs.com"), "it names the project their, but project is my-project"},
		"empty list":      {with("region", "", "endpoint", " , "), "no host in it"},
		"no secret":       {with("access_key_secret", ""), "option access_key_secret: missing, and SLS_ACCESS_KEY_SECRET is not set"},
		"no id":           {with("access_key_id", ""), "option access_key_id: missing, and SLS_ACCESS_KEY_ID is not set"},
		"joined id":       {with("access_key_id", "LTAI1#t0p-s3cret"), "it holds a #: for id#secret use password"},
		"unjoined":        {with("access_key_id", "", "access_key_secret", "", "password", "t0p-s3cret"), `option password = "***": not of the form id#secret`},
		"two credentials": {with("password", "a#b"), "more than one way of giving the AccessKey is set"},
		"no file":         {with("access_key_id", "", "access_key_secret", "", "credentials_file", missing), "no such file or directory; allowed: a readable file"},
		"acks 0":          {with("required_acks", "0"), `option required_acks = "0": a broker that does not answer cannot report a loss; allowed: 1 or all`},
		"acks 2":          {with("required_acks", "2"), `option required_acks = "2": not one of the words known here; allowed: 1 or all`},
		"quoted id":       {with("access_key_id", `'"LTAI1"'`), "in quotes, which would count as part of it"},
		"temporary id":    {with("access_key_id", "STS.NUabc"), "of a temporary pair (STS), which the Kafka endpoint does not take"},
		"temporary pair":  {with("access_key_id", "", "access_key_secret", "", "password", "STS.NUabc#t0p-s3cret"), "of a temporary pair (STS)"},
		"marked file":     {with("access_key_id", "", "access_key_secret", "", "credentials_file", file("\ufeffid#t0p-s3cret")), "begins with a byte order mark"},
		"quoted file":     {with("access_key_id", "", "access_key_secret", "", "credentials_file", file(`"id#t0p-s3cret"`)), "in quotes"},
		"second line":     {with("access_key_id", "", "access_key_secret", "", "credentials_file", file("id#t0p-s3cret\n# rotated\n")), "more than one line"},
		"temporary file":  {with("access_key_id", "", "access_key_secret", "", "credentials_file", file("STS.id#t0p-s3cret\n")), "of a temporary pair (STS)"},
		"codec":           {with("compression", "br"), "allowed: none, gzip, snappy, lz4 or zstd"},
		"level range":     {with("compression_level", "12"), "allowed: 1 to 9 for gzip"},
		"level of none":   {with("compression", "none", "compression_level", "1"), "compression none has no levels"},
		"level word":      {with("compression_level", "best"), "not a number"},
		"too large":       {with("max_message_bytes", "3M"), "3145728 bytes is out of range; allowed: a size from 1K to 2097152 (2M)"},
		"size word":       {with("buffer_limit", "lots"), "not a size"},
		"size overflow":   {with("buffer_limit", "99999999999999G"), "not a size"},
		"no unit":         {with("linger", "5"), "the unit is missing; allowed: a duration"},
		"long linger":     {with("linger", "1h"), "1h0m0s is out of range"},
		"backoff order":   {with("retry_backoff", "10s", "retry_backoff_max", "5s"), "shorter than retry_backoff 10s"},
		"old version":     {with("kafka_version", "1.1.0"), "older than SLS speaks; allowed: a version from 2.1.0 on"},
		"odd version":     {with("kafka_version", "nine"), "not a Kafka version known here"},
		"reserved key":    {with("time_key", "__time__"), "reserved by SLS"},
		"tag in the line": {with("tag_key", "log"), `option tag_key = "log": most inputs have the line in this field, and it would not land; allowed: another name`},
		"time in line":    {with("time_key", "log", "time_key_override", "on"), `option time_key = "log": most inputs`},
		"same keys":       {with("record_id_key", "id", "tag_key", "id"), "both have the same name"},
		"reserved prefix": {with("group_key", "__tag__:__path__"), "reserved by SLS"},
		"reserved_keys":   {with("reserved_keys", "delete"), "not one of the words known here"},
		"bad accessor":    {with("logstore_key", "$a["), `option logstore_key = "$a[": character 3: this bracket does not hold a 'key' or a number and end in ]; allowed: a first-level key, or text`},
		"no dollar":       {with("logstore_key", "kubernetes['namespace_name']"), "an accessor begins with $: write $kubernetes['namespace_name']; allowed"},
		"all by a star":   {with("logstore_key", "ns", "logstore_allowed", "web,*"), "* alone allows every name, as does leaving the option out; allowed: names of logstores, and beginnings"},
		"star within":     {with("logstore_key", "ns", "logstore_allowed", "team-*-x"), `"team-*-x" is not the name of a logstore, nor the beginning of one and *`},
		"two stars":       {with("logstore_key", "ns", "logstore_allowed", "team-**"), `"team-**" is not the name`},
		"capital allowed": {with("logstore_key", "ns", "logstore_allowed", "Team-*"), `"Team-*" is not the name`},
		"short allowed":   {with("logstore_key", "ns", "logstore_allowed", "ab"), `"ab" is not the name`},
		"long prefix":     {with("logstore_key", "ns", "logstore_allowed", strings.Repeat("a", 63)+"*"), "is not the name"},
		"blank within":    {with("logstore_key", "ns", "logstore_allowed", "web shop"), `"web shop" is not the name`},
		"empty allowed":   {with("logstore_key", "ns", "logstore_allowed", "web,,shop"), "a name is missing before or after a comma"},
		"bad key field":   {with("message_key_field", "$tag"), "character 2: the tag is $TAG, in capitals"},
		"capital text":    {with("logstore_key", "K8S-$TAG[1]"), "with this text it is never the name of a logstore: 3 to 63 of a-z, 0-9, _ and -, a letter or digit at both ends"},
		"text at an end":  {with("logstore_key", "$TAG[1]-"), "never the name of a logstore"},
		"too much text":   {with("logstore_key", strings.Repeat("a", 63)+"$TAG[1]"), "never the name of a logstore"},
		"nested by a dot": {with("logstore_key", "$kubernetes['labels'].app"), "never the name of a logstore"},
		"suffix conflict": {with("logstore", "app.json", "parse_json", "off"), "the .json ending asks for JSON fields and parse_json off refuses them"},
		"text metrics":    {with("metrics_format", "metricstore", "parse_json", "off"), "a metricstore needs the record's fields"},
		"raw metrics":     {with("metrics_format", "metricstore", "format", "raw"), "a metricstore needs the record's fields"},
		"metrics form":    {with("metrics_format", "prometheus"), "not one of the words known here"},
		"delta":           {with("metrics_format", "metricstore", "metrics_delta", "on"), "not one of the words known here"},
		"raw conflict":    {with("format", "raw", "parse_json", "on"), "a raw value is not JSON"},
		"one name twice":  {with("time_key", "at", "metadata_key", "at"), "option time_key/metadata_key = \"at\": both have the same name"},
		"raw with field":  {with("format", "raw", "tag_key", "tag"), "format raw sends one value alone"},
		"no ca":           {with("tls_ca_file", missing), "cannot be read: no such file or directory"},
		"no certificate":  {with("tls_ca_file", file("")), "no certificate in it"},
		"half a pair":     {with("tls_cert_file", "a.pem"), "one is set without the other"},
		"bad pair":        {with("tls_cert_file", missing, "tls_key_file", missing), "not a usable pair"},
		"dead letters":    {with("dead_letter_file", missing), "cannot be written: no such file or directory"},
		"switch":          {with("tls_verify", "maybe"), "not a switch; allowed: on or off"},
		"client id":       {with("client_id", strings.Repeat("x", 257)), "too long; allowed: up to 256 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := Parse(source(tt.properties))
			faults, ok := errors.AsType[Faults](err)
			if !ok || len(faults) != 1 {
				t.Fatalf("want one fault, got %d: %v", len(faults), err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
			if strings.Contains(err.Error(), "t0p-s3cret") {
				t.Errorf("it shows the secret: %v", err)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, _, err := Parse(source(map[string]string{"required_acks": "0", "linger": "5", "compression": "x"}))
	faults, _ := errors.AsType[Faults](err)
	if len(faults) != 8 { // these three, project, logstore, endpoint, id, secret
		t.Errorf("%d faults:\n%v", len(faults), err)
	}
}

func TestEndpoints(t *testing.T) {
	for in, want := range map[string]string{
		"my-project.cn-hangzhou.log.aliyuncs.com:10012":    "my-project.cn-hangzhou.log.aliyuncs.com:10012",
		"my-project.cn-hangzhou-intranet.log.aliyuncs.com": "my-project.cn-hangzhou-intranet.log.aliyuncs.com:10011",
		"cn-hangzhou.log.aliyuncs.com":                     "my-project.cn-hangzhou.log.aliyuncs.com:10012",
		"cn-hangzhou-internal.log.aliyuncs.com":            "my-project.cn-hangzhou-internal.log.aliyuncs.com:10011",
		"cn-hangzhou-vpc.sls.aliyuncs.com":                 "my-project.cn-hangzhou-vpc.sls.aliyuncs.com:10011",
		"https://cn-hangzhou.log.aliyuncs.com/":            "my-project.cn-hangzhou.log.aliyuncs.com:10012",
		"CN-HANGZHOU-INTRANET.LOG.ALIYUNCS.COM":            "my-project.cn-hangzhou-intranet.log.aliyuncs.com:10011",
		"cn-hangzhou.log.aliyuncs.com.":                    "my-project.cn-hangzhou.log.aliyuncs.com:10012",
		"My-Project.cn-hangzhou.log.aliyuncs.com.:10012":   "my-project.cn-hangzhou.log.aliyuncs.com:10012",
		"log-global.aliyuncs.com":                          "my-project.log-global.aliyuncs.com:10012",
		"127.0.0.1:9093":                                   "127.0.0.1:9093",
		"localhost":                                        "localhost:10012",
		"[::1]:9093":                                       "[::1]:9093",
		"[::1]":                                            "[::1]:10012",
		"a:1, b:2":                                         "a:1 b:2",
	} {
		c, _, err := Parse(source(with("region", "", "endpoint", in)))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := strings.Join(c.Endpoints, " "); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// A region may have the network in its name, and be written in capitals.
func TestRegions(t *testing.T) {
	for _, c := range []struct{ region, network, want string }{
		{"cn-hangzhou", "", "my-project.cn-hangzhou.log.aliyuncs.com:10012"},
		{"CN-Hangzhou", "internet", "my-project.cn-hangzhou.log.aliyuncs.com:10012"},
		{"cn-hangzhou", "intranet", "my-project.cn-hangzhou-intranet.log.aliyuncs.com:10011"},
		{"cn-hangzhou-intranet", "", "my-project.cn-hangzhou-intranet.log.aliyuncs.com:10011"},
		{"cn-hangzhou-intranet", "intranet", "my-project.cn-hangzhou-intranet.log.aliyuncs.com:10011"},
		{"cn-hangzhou-intranet", "internet", ""},
	} {
		got, _, err := Parse(source(with("region", c.region, "network", c.network)))
		switch {
		case c.want == "":
			if err == nil || !strings.Contains(err.Error(), "this name is of the intranet") {
				t.Errorf("%s, network %s: error %v", c.region, c.network, err)
			}
		case err != nil || got.Addresses() != c.want:
			t.Errorf("%s, network %q: got %v, error %v; want %s", c.region, c.network, got, err, c.want)
		}
	}
}

// What looks like SLS's address and cannot be it.
func TestEndpointWarnings(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"endpoint", "cn-hangzhou-intranet.log.aliyuncs.com:10012", "of the intranet, where Kafka has port 10011 and not 10012"},
		{"endpoint", "cn-hangzhou.log.aliyuncs.com:10011", "of the internet, where Kafka has port 10012 and not 10011"},
		{"endpoint", "https://cn-hangzhou.log.aliyuncs.com:443", "port 10012 and not 443"},
		{"endpoint", "cn-hangzhou.log.aliyuncs.com:10012", ""},
		{"endpoint", "10.0.0.7:10011", ""},
		{"endpoint", "proxy.example.com:443", ""},
		{"region", "cn-hangzou", "did you mean cn-hangzhou?"},
		{"region", "cn-shangahi", "did you mean cn-shanghai?"},
		{"region", "cn-hangzhou-b", "a zone; its region is cn-hangzhou"},
		{"region", "ap-southeast-9", ""},
		{"region", "cn-hangzhou", ""},
		{"region", "cn-hangzhou-finance", ""},
	} {
		settings := with(c.key, c.value)
		if c.key == "endpoint" {
			settings = with("region", "", c.key, c.value)
		}
		_, warnings, err := Parse(source(settings))
		text := strings.Join(warnings, "; ")
		if err != nil || (text == "") != (c.want == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s %s: warnings %q, error %v; want %q", c.key, c.value, text, err, c.want)
		}
	}
}

// YAML writes a switch as true, which a person means where the option has more words.
func TestHealthcheckIsASwitchToo(t *testing.T) {
	for value, want := range map[string]Healthcheck{"true": HealthcheckOn, "yes": HealthcheckOn, "On": HealthcheckOn, "false": HealthcheckOff,
		"no": HealthcheckOff, "off": HealthcheckOff, "Require": HealthcheckRequire} {
		if c, _, err := Parse(source(with("healthcheck", value))); err != nil || c.Healthcheck != want {
			t.Errorf("healthcheck %s: %v", value, err)
		}
	}
}

func TestCredentialsFromEnvironment(t *testing.T) {
	c, _, err := Parse(source(with("access_key_id", "", "access_key_secret", ""), "SLS_ACCESS_KEY_ID", "env-id", "SLS_ACCESS_KEY_SECRET", "env-secret\n"))
	if err != nil {
		t.Fatal(err)
	}
	user, password, err := c.Credentials()
	if err != nil || user != "my-project" || password != "env-id#env-secret" {
		t.Errorf("user %s, password %s, %v", user, password, err)
	}
}

func TestCredentialsFileIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("id1#secret1\n")
	c, _, err := Parse(source(with("access_key_id", "", "access_key_secret", "", "credentials_file", file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"id1#secret1", "id2#secret2"} {
		write(content + "\n")
		if _, password, err := c.Credentials(); err != nil || password != content {
			t.Errorf("password %q, %v; want %q", password, err, content)
		}
	}
	write("t0p-s3cret")
	if _, _, err := c.Credentials(); err == nil || strings.Contains(err.Error(), "t0p") {
		t.Errorf("error %v", err)
	}
}

func TestTypos(t *testing.T) {
	for key, want := range map[string]string{
		"projcet":               "did you mean project?",
		"log_store":             "did you mean logstore?",
		"accesskeyid":           "did you mean access_key_id?",
		"access-key-id":         "did you mean access_key_id?",
		"compresion":            "did you mean compression?",
		"buffer_limits":         "did you mean buffer_limit?",
		"brokers":               "here it is endpoint",
		"topic":                 "SLS's __topic__ cannot be set over Kafka",
		"security_token":        "the Kafka endpoint takes no temporary pair",
		"linger_ms":             "here it is linger",
		"rdkafka.sasl.password": "here it is password",
	} {
		_, warnings, err := Parse(source(with(key, "x")))
		if err != nil {
			t.Error(err)
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], want) || !strings.Contains(warnings[0], key) {
			t.Errorf("%s: warnings %q, want %q", key, warnings, want)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	c, _, err := Parse(source(minimal()))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(form, *c); strings.Contains(text, "t0p-s3cret") {
			t.Errorf("%s shows the secret", form)
		}
	}
}
