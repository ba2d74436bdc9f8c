// Package connect turns a configuration into connections: the options of the
// Kafka client, and the steps from a name to a TLS session.
package connect

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"out_sls_kafka/plugin/config"
)

const (
	// MaxRequestBytes bounds one produce request, which may carry a batch for
	// every shard. What SLS takes is not documented; the HTTP API behind it
	// takes 10 MB.
	MaxRequestBytes = 10 << 20
	// requestOverhead is for what a request holds besides batches.
	requestOverhead = 1 << 20
	// RequestTimeoutOverhead is how long after request_timeout an answer may still
	// come before the connection counts as dead.
	RequestTimeoutOverhead = 5 * time.Second
	// clientBackoffMax bounds the client's own waits, which come on top of a
	// chunk's: they decide how soon the end of an outage is seen.
	clientBackoffMax = 5 * time.Second
)

// Options are the options of the Kafka client that deliveries use. The error
// says what the client refuses.
func Options(c *config.Config) ([]kgo.Opt, error) { return validated(baseOptions(c)) }

// ProbeOptions are the options of a Kafka client that connects as deliveries do
// and produces single records. It gives up soon: whoever examines wants to see
// the first error.
func ProbeOptions(c *config.Config) ([]kgo.Opt, error) {
	acks := kgo.LeaderAck()
	if c.RequiredAcks == config.AcksAll {
		acks = kgo.AllISRAcks()
	}
	return validated(append(baseOptions(c),
		kgo.RequiredAcks(acks),
		kgo.ProducerBatchCompression(codec(c)),
		kgo.RecordRetries(0),
		kgo.UnknownTopicRetries(0),
		kgo.RequestRetries(0),
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
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Endpoints...),
		kgo.ClientID(c.ClientID),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return TLS(ctx, c, address) }),
		kgo.SASL(plain.Plain(saslAuth(c))),

		// SLS has no InitProducerID; all its producer samples switch
		// idempotence off.
		kgo.DisableIdempotentWrite(),
		// Kafka look-alikes may advertise client metrics and mean nothing by it.
		kgo.DisableClientMetrics(),
		kgo.BrokerMaxWriteBytes(MaxRequestBytes + requestOverhead),
		kgo.RequestTimeoutOverhead(RequestTimeoutOverhead),
		kgo.RetryBackoffFn(func(failures int) time.Duration { return min(c.Backoff(failures), clientBackoffMax) }),
		// The endpoint is behind a load balancer, whose closing of a fresh
		// connection says nothing about credentials.
		kgo.AlwaysRetryEOF(),
	}
	if c.KafkaVersion != nil {
		opts = append(opts, kgo.MaxVersions(c.KafkaVersion))
	}
	return opts
}

// saslAuth gives the credentials as they are when a connection is made.
func saslAuth(c *config.Config) func(context.Context) (plain.Auth, error) {
	return func(context.Context) (plain.Auth, error) {
		user, password, err := c.Credentials()
		return plain.Auth{User: user, Pass: password}, err
	}
}
