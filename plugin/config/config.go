// Package config reads and checks one [OUTPUT] section. It makes no connection.
package config

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kversion"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/display"
)

// Secret is a text that must not be shown. Every way to print it gives "***".
type Secret string

// String masks the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return display.Hidden
}

// GoString masks the secret for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText masks the secret for encoders such as encoding/json.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Acks says which replicas must acknowledge a record.
type Acks int8

// The values of required_acks. 0 is not allowed: a broker that does not answer cannot
// report a loss.
const (
	AcksLeader Acks = 1
	AcksAll    Acks = -1
)

// Partitioner says how records are spread over the shards of a logstore.
type Partitioner uint8

// The values of partitioner.
const (
	PartitionUniform    Partitioner = iota // a batch to one shard, the next batch to the least loaded
	PartitionRoundRobin                    // every record to the next shard
	PartitionKeyHash                       // by the record's key, as Kafka's own clients do
)

// UnknownLogstore says what becomes of records whose logstore does not exist.
type UnknownLogstore uint8

// The values of unknown_logstore.
const (
	UnknownWait    UnknownLogstore = iota // they wait until it does
	UnknownDefault                        // they go to the option logstore
	UnknownReject
)

// Healthcheck says what a failed check of the logstore at the start causes.
type Healthcheck uint8

// The values of healthcheck.
const (
	HealthcheckOn      Healthcheck = iota // a line of the log
	HealthcheckRequire                    // Fluent Bit stops
	HealthcheckOff
)

// FlushMode says how a flush waits for its acknowledgements.
type FlushMode uint8

// The values of flush_mode.
const (
	FlushAuto     FlushMode = iota // suspended in the host's event loop, if possible
	FlushBlocking                  // on the thread that called
)

// DefaultCompressionLevel is the CompressionLevel if compression_level is not given.
const DefaultCompressionLevel = -1

// Config is one [OUTPUT] section, checked. Its fields are the options of the table in
// options.go. Sizes are in bytes.
type Config struct {
	Project   string
	Logstore  string   // without ".json"
	Endpoints []string // host:port

	BrokerHosts []string // that may be called, besides the endpoints; none: all

	AccessKeyID     string
	AccessKeySecret Secret
	Password        Secret
	CredentialsFile string
	Secrets         *display.Secrets // the parts of the above that must not be shown

	ParseJSON bool
	Encoding  encoder.Options

	LogstoreAllowed      AllowedLogstores // besides Logstore
	UnknownLogstore      UnknownLogstore
	UnknownLogstoreAfter time.Duration

	MessageKey  string
	Partitioner Partitioner

	Compression      string
	CompressionLevel int // or DefaultCompressionLevel
	RequiredAcks     Acks
	MaxMessageBytes  int

	DeadLetterFile string
	DeadLetterSize int64 // of the file, and of one older one
	BufferLimit    int64

	SpoolPath     string // empty: no spool
	SpoolLimit    int64  // bytes
	MaxHeldChunks int    // with a spool, in trouble

	Linger          time.Duration
	RetryBackoff    time.Duration
	RetryBackoffMax time.Duration
	RequestTimeout  time.Duration
	DialTimeout     time.Duration
	ExitTimeout     time.Duration

	KafkaVersion *kversion.Versions // nil: the highest that the broker supports
	DialNetwork  string             // tcp, tcp4, tcp6
	ClientID     string

	TLSServerName string
	TLSVerify     bool

	Healthcheck  Healthcheck
	FlushMode    FlushMode
	FlushTimeout time.Duration

	Resolver *net.Resolver // nil: that of the system; tests have their own
	// Dial connects to a host:port, before TLS; nil: by TCP. A simulation has a
	// network of its own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Only for the checks that concern several options.
	given                      map[string]bool // the options that the user set
	endpoint, region, network  string
	tlsCAFile, tlsCert, tlsKey string
	jsonSuffix, formatRaw      bool
}

// Topic returns the Kafka topic of a logstore. If the topic ends in ".json", SLS makes
// fields from a record's JSON. Otherwise it stores the record in the field "content".
// Source: "Use the Kafka protocol to upload logs", Alibaba Cloud, SLS_LOGSTORE.
func (c *Config) Topic(logstore string) string {
	if c.ParseJSON {
		return logstore + ".json"
	}
	return logstore
}

// LogstoreOf returns the logstore of a topic. It is the inverse of Topic.
func (c *Config) LogstoreOf(topic string) string {
	if c.ParseJSON {
		return strings.TrimSuffix(topic, ".json")
	}
	return topic
}

// FixedLogstores are those that options name, each once, the option logstore first.
func (c *Config) FixedLogstores() []string {
	names := []string{c.Logstore}
	for _, name := range []string{c.Encoding.MetricsRoute, c.Encoding.TracesRoute} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Backoff returns the wait after the given number of failures in a row: retry_backoff,
// twice as long with each, retry_backoff_max at most. It is a fifth more or less by
// chance: the nodes of a fleet see the same outage, and must not act in the same second.
func (c *Config) Backoff(failures int) time.Duration {
	d := c.RetryBackoff
	for i := 1; i < failures && d < c.RetryBackoffMax; i++ {
		d *= 2
	}
	d = min(d, c.RetryBackoffMax)
	return d - d/5 + rand.N(2*d/5+1)
}
