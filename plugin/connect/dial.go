package connect

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/failure"
)

// Resolve returns the addresses of a host that ip_family allows.
func Resolve(ctx context.Context, c *config.Config, host string) ([]netip.Addr, error) {
	addresses, err := c.Resolver.LookupNetIP(ctx, strings.Replace(c.DialNetwork, "tcp", "ip", 1), host)
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, err
}

// TCP makes a TCP connection, without TLS, to address, a host:port, within
// dial_timeout.
func TCP(ctx context.Context, c *config.Config, address string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial(ctx, c.DialNetwork, address)
	}
	d := net.Dialer{Resolver: c.Resolver, Timeout: c.DialTimeout}
	return d.DialContext(ctx, c.DialNetwork, address)
}

// TLS connects to address as deliveries do and completes the handshake, all within
// dial_timeout. The result is a [tls.Conn]. A host that broker_hosts does not allow is not
// even looked up: the error wraps [failure.ErrBrokerHost].
func TLS(ctx context.Context, c *config.Config, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !c.MayCall(host) {
		return nil, fmt.Errorf("%s: %w", host, failure.ErrBrokerHost)
	}
	ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	settings, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	conn, err := TCP(ctx, c, address)
	if err != nil {
		return nil, err
	}
	if settings.ServerName == "" {
		settings.ServerName = host
	}
	t := tls.Client(conn, settings)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return t, nil
}

func tlsConfig(c *config.Config) (*tls.Config, error) {
	roots, certificate, err := c.TLSFiles()
	if err != nil {
		return nil, err
	}
	t := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            roots,
		ServerName:         c.TLSServerName,
		InsecureSkipVerify: !c.TLSVerify, //nolint:gosec // the user's choice, with a warning
		// Requests are large: TLS records are full from the first byte on.
		DynamicRecordSizingDisabled: true,
	}
	if certificate != nil {
		t.Certificates = []tls.Certificate{*certificate}
	}
	return t, nil
}
