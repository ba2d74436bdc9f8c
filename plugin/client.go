package plugin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

const (
	// recordOverhead is the room left in a batch for the framing of the
	// largest record: lengths, timestamp and offset delta, and the batch header.
	recordOverhead = 4096
	// maxRequestBytes bounds one produce request, which may carry a batch for
	// every shard. What SLS takes is not documented; the HTTP API behind it
	// takes 10 MB.
	maxRequestBytes = 10 << 20
	// requestRoom is for what a request holds besides batches.
	requestRoom = 1 << 20
	// answerMargin is how long after request_timeout an answer may still come
	// before the connection counts as dead.
	answerMargin = 5 * time.Second
	// clientBackoffMax bounds the client's own waits, which come on top of a
	// chunk's: they decide how soon the end of an outage is seen.
	clientBackoffMax = 5 * time.Second
)

// clientOpts turns the configuration into options of the Kafka client. It has
// no side effects: Parse validates the same list that New uses.
func (c *Config) clientOpts() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Endpoints...),
		kgo.ClientID(c.ClientID),
		kgo.Dialer(c.dial),
		kgo.SASL(plain.Plain(c.auth)),

		// SLS has no InitProducerID; all its producer samples switch
		// idempotence off.
		kgo.DisableIdempotentWrite(),
		// Kafka look-alikes may advertise client metrics and mean nothing by it.
		kgo.DisableClientMetrics(),
		kgo.BrokerMaxWriteBytes(maxRequestBytes + requestRoom),
		kgo.RequestTimeoutOverhead(answerMargin),
		kgo.RetryBackoffFn(func(failures int) time.Duration { return min(c.backoff(failures), clientBackoffMax) }),
		// The endpoint is behind a load balancer, whose closing of a fresh
		// connection says nothing about credentials.
		kgo.AlwaysRetryEOF(),
	}
	if c.KafkaVersion != nil {
		opts = append(opts, kgo.MaxVersions(c.KafkaVersion))
	}
	return opts
}

// batchBytes is the largest batch, uncompressed. A single record of
// max_message_bytes must fit.
func (c *Config) batchBytes() int { return c.MaxMessageBytes + len(c.MessageKey) + recordOverhead }

// acks is required_acks as a produce request has it.
func (c *Config) acks() int16 {
	if c.RequiredAcks == AcksAll {
		return -1
	}
	return 1
}

// backoff is the wait after the given number of failures in a row.
func (c *Config) backoff(failures int) time.Duration {
	d := c.RetryBackoff
	for i := 1; i < failures && d < c.RetryBackoffMax; i++ {
		d *= 2
	}
	return min(d, c.RetryBackoffMax)
}

// dial connects and completes the TLS handshake within dial_timeout.
func (c *Config) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	conn, err := c.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	config := c.tlsConfig()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	t := tls.Client(conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return t, nil
}

func (c *Config) tlsConfig() *tls.Config {
	t := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            c.TLSRoots,
		ServerName:         c.TLSServerName,
		InsecureSkipVerify: !c.TLSVerify, //nolint:gosec // the user's choice, with a warning
		// A connection carries bulk: full records from the first byte on.
		DynamicRecordSizingDisabled: true,
	}
	if c.TLSCertificate != nil {
		t.Certificates = []tls.Certificate{*c.TLSCertificate}
	}
	return t
}

// finishTLS loads the files the tls_ options name.
func (c *Config) finishTLS() (faults []Fault) {
	if c.tlsCAFile != "" {
		pem, err := os.ReadFile(c.tlsCAFile)
		if err != nil {
			faults = append(faults, Fault{"tls_ca_file", c.tlsCAFile, "cannot be read: " + cause(err), "a PEM file with a certificate"})
		} else if c.TLSRoots = x509.NewCertPool(); !c.TLSRoots.AppendCertsFromPEM(pem) {
			faults = append(faults, Fault{"tls_ca_file", c.tlsCAFile, "no certificate in it", "a PEM file with a certificate"})
		}
	}
	switch {
	case c.tlsCert == "" && c.tlsKey == "":
	case c.tlsCert == "" || c.tlsKey == "":
		faults = append(faults, Fault{"tls_cert_file/tls_key_file", c.tlsCert + c.tlsKey, "one is set without the other", "both or none"})
	default:
		pair, err := tls.LoadX509KeyPair(c.tlsCert, c.tlsKey)
		if err != nil {
			faults = append(faults, Fault{"tls_cert_file/tls_key_file", c.tlsCert, "not a usable pair: " + cause(err), "PEM files of one certificate and its key"})
		}
		c.TLSCertificate = &pair
	}
	return faults
}
