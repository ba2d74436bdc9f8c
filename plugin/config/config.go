package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kversion"

	"out_sls_kafka/encoder"
)

// Secret is a text that must not be shown: every way of printing it gives "***".
type Secret string

// String masks the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString masks the secret for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText masks the secret for encoders such as encoding/json.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Acks says whose acknowledgement makes a record delivered.
type Acks int8

// The values of required_acks. 0 does not exist here: a broker that sends no
// answer cannot report a loss.
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

// Healthcheck says what the check of the logstore at start may cause.
type Healthcheck uint8

// The values of healthcheck.
const (
	HealthcheckOn      Healthcheck = iota // log the outcome
	HealthcheckRequire                    // a failure stops Fluent Bit
	HealthcheckOff
)

// FlushMode says how a flush waits for its acknowledgements.
type FlushMode uint8

// The values of flush_mode.
const (
	FlushAuto     FlushMode = iota // in the host's event loop where that is possible
	FlushBlocking                  // on the thread that called
)

// DefaultCompressionLevel is the CompressionLevel where compression_level is not
// given.
const DefaultCompressionLevel = -1

// Config is one [OUTPUT] section, checked. Its fields are the options of the
// table in options.go; sizes are bytes.
type Config struct {
	Project   string
	Logstore  string   // without ".json"
	Endpoints []string // host:port

	AccessKeyID     string
	AccessKeySecret Secret
	Password        Secret
	CredentialsFile string

	ParseJSON bool
	Encoding  encoder.Options

	MessageKey  string
	Partitioner Partitioner

	Compression      string
	CompressionLevel int // or DefaultCompressionLevel
	RequiredAcks     Acks
	MaxMessageBytes  int

	DeadLetterFile string
	BufferLimit    int64

	Linger          time.Duration
	RetryBackoff    time.Duration
	RetryBackoffMax time.Duration
	RequestTimeout  time.Duration
	DialTimeout     time.Duration
	ExitTimeout     time.Duration

	KafkaVersion *kversion.Versions // nil: whatever the broker speaks
	DialNetwork  string             // tcp, tcp4, tcp6
	ClientID     string

	TLSRoots       *x509.CertPool // nil: the system's
	TLSCertificate *tls.Certificate
	TLSServerName  string
	TLSVerify      bool

	Healthcheck  Healthcheck
	FlushMode    FlushMode
	FlushTimeout time.Duration

	Resolver *net.Resolver // nil: the system's; tests have their own
	// Dial connects to a host:port, before TLS; nil: by TCP. A simulation has a
	// network of its own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// What only the checks across options need.
	given                      map[string]bool // the options the user set
	endpoint, region, network  string
	tlsCAFile, tlsCert, tlsKey string
	jsonSuffix, formatRaw      bool
}

// Topic is the Kafka topic of a logstore: SLS makes fields of a record's JSON
// when the topic ends in ".json", and stores it in "content" otherwise.
// Source: "Use the Kafka protocol to upload logs", Alibaba Cloud, SLS_LOGSTORE.
func (c *Config) Topic(logstore string) string {
	if c.ParseJSON {
		return logstore + ".json"
	}
	return logstore
}

// LogstoreOf is the logstore a topic stands for.
func (c *Config) LogstoreOf(topic string) string {
	if c.ParseJSON {
		return strings.TrimSuffix(topic, ".json")
	}
	return topic
}

// Backoff is the wait after the given number of failures in a row.
func (c *Config) Backoff(failures int) time.Duration {
	d := c.RetryBackoff
	for i := 1; i < failures && d < c.RetryBackoffMax; i++ {
		d *= 2
	}
	return min(d, c.RetryBackoffMax)
}
