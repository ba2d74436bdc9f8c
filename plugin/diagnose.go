package plugin

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"out_sls_kafka/plugin/failure"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What follows is for a program that examines a configuration without Fluent
// Bit. It asks the plugin instead of knowing anything a second time.

// Option is a key that the plugin reads from an [OUTPUT] section.
type Option struct {
	Name   string
	Secret bool // its value must not be shown
}

// Options are all keys that the plugin reads.
func Options() []Option {
	all := make([]Option, len(options))
	for i := range options {
		all[i] = Option{options[i].name, options[i].secret}
	}
	return all
}

// Instead names the option that does here what key, in lower case, does in
// another tool. It is "" for a key it does not know.
func Instead(key string) string { return foreign[key] }

// ClientOpts are the options of a Kafka client that connects as deliveries do
// and produces single records. It gives up soon: whoever examines wants to see
// the first error.
func (c *Config) ClientOpts() []kgo.Opt {
	acks := kgo.LeaderAck()
	if c.RequiredAcks == AcksAll {
		acks = kgo.AllISRAcks()
	}
	return append(c.clientOpts(),
		kgo.RequiredAcks(acks),
		kgo.ProducerBatchCompression(c.codec()),
		kgo.RecordRetries(0),
		kgo.UnknownTopicRetries(0),
		kgo.RequestRetries(0),
	)
}

// Resolve finds the addresses of a host, of those that ip_family allows.
func (c *Config) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addresses, err := c.resolver.LookupNetIP(ctx, strings.Replace(c.DialNetwork, "tcp", "ip", 1), host)
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, err
}

// Connect makes a TCP connection to address, a host:port, within dial_timeout,
// and leaves TLS out.
func (c *Config) Connect(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Resolver: c.resolver, Timeout: c.DialTimeout}
	return d.DialContext(ctx, c.DialNetwork, address)
}

// Dial connects to address as deliveries do, TLS included: the result is a
// [crypto/tls.Conn].
func (c *Config) Dial(ctx context.Context, address string) (net.Conn, error) {
	return c.dial(ctx, "", address)
}

// Advice is what the log says of an error of the Kafka client or of a
// connection: what is wrong and what to do about it. It is for one who does
// not go on trying.
func (c *Config) Advice(err error) string {
	if _, network := errors.AsType[*net.OpError](err); !network && errors.Is(err, context.DeadlineExceeded) {
		err = failure.ErrNoAnswer // a connection is there, for its making has its own errors
	}
	return strings.TrimSuffix(c.advice(failure.Of(err).Kind, err), "; retrying")
}
