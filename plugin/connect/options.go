// Package connect makes connections from a configuration. It has the options of the
// Kafka client, and the steps from a host name to a TLS session.
package connect

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"out_sls_kafka/plugin/config"
)

const (
	// MaxRequestBytes bounds the batches of one produce request, which may carry a
	// batch for every shard. The limit of SLS is not documented; the HTTP API behind
	// it accepts 10 MB.
	MaxRequestBytes = 10 << 20
	// MaxAnswerBytes bounds an answer. A producer needs little: the client makes room
	// for as many elements as an answer announces, a hundred bytes for each byte of it.
	MaxAnswerBytes = 512 << 10
	// requestOverhead is the room in a request for all but its batches, in bytes.
	requestOverhead = 1 << 20
	// RequestTimeoutOverhead is how long after request_timeout an answer may still
	// come. After that the connection counts as dead.
	RequestTimeoutOverhead = 5 * time.Second
)

// Options returns the options of the Kafka client that deliveries use. The error
// says what the client refuses.
func Options(c *config.Config) ([]kgo.Opt, error) { return validated(baseOptions(c)) }

// ProbeOptions returns the options of a Kafka client that connects as deliveries do
// and produces single records. It does not retry: a check reports the first error.
func ProbeOptions(c *config.Config) ([]kgo.Opt, error) {
	return validated(append(baseOptions(c),
		kgo.ProducerBatchCompression(codec(c)),
		kgo.RecordRetries(0),
		kgo.UnknownTopicRetries(0),
	))
}

func codec(c *config.Config) kgo.CompressionCodec {
	switch c.Compression {
	case "gzip":
		return kgo.GzipCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	case "snappy":
		return kgo.SnappyCompression()
	}
	return kgo.NoCompression()
}

func validated(opts []kgo.Opt) ([]kgo.Opt, error) {
	if err := kgo.ValidateOpts(opts...); err != nil {
		return nil, fmt.Errorf("the Kafka client refuses this configuration: %w", err)
	}
	return opts, nil
}

func baseOptions(c *config.Config) []kgo.Opt {
	acks := kgo.LeaderAck()
	if c.RequiredAcks == config.AcksAll {
		acks = kgo.AllISRAcks()
	}
	opts := []kgo.Opt{
		// The client puts its own acks into every produce request.
		kgo.RequiredAcks(acks),
		kgo.SeedBrokers(c.Endpoints...),
		kgo.ClientID(c.ClientID),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return TLS(ctx, c, address) }),
		kgo.SASL(plain.Plain(saslAuth(c))),

		// SLS does not implement InitProducerID; all its samples of producers
		// disable idempotence.
		kgo.DisableIdempotentWrite(),
		// A service that imitates Kafka may advertise client metrics without
		// implementing them.
		kgo.DisableClientMetrics(),
		// Older versions have another format of batches.
		kgo.MinVersions(kversion.V0_11_0()),
		// Whoever makes a request waits as long as failures ask for, and tries again. The
		// client's own retries would make several connections for each.
		kgo.RequestRetries(0),
		kgo.BrokerMaxWriteBytes(MaxRequestBytes + requestOverhead),
		kgo.BrokerMaxReadBytes(MaxAnswerBytes),
		// Nothing is fetched, but the client refuses answers that are smaller than these.
		kgo.FetchMaxBytes(MaxAnswerBytes),
		kgo.FetchMaxPartitionBytes(MaxAnswerBytes),
		kgo.RequestTimeoutOverhead(RequestTimeoutOverhead),
		kgo.RetryBackoffFn(c.Backoff),
		// By default the client takes the early end of a new connection for a wrong
		// configuration, and does not retry. Here a load balancer may have closed it.
		kgo.AlwaysRetryEOF(),
	}
	if c.KafkaVersion != nil {
		opts = append(opts, kgo.MaxVersions(c.KafkaVersion))
	}
	return opts
}

// saslAuth returns what reads the credentials for each new connection.
func saslAuth(c *config.Config) func(context.Context) (plain.Auth, error) {
	return func(context.Context) (plain.Auth, error) {
		user, password, err := c.Credentials()
		return plain.Auth{User: user, Pass: password}, err
	}
}
