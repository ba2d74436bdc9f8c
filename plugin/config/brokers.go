package config

import (
	"errors"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// brokerPattern is a host name, or all names below one.
var brokerPattern = regexp.MustCompile(`^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

func setBrokerHosts(c *Config, v string) error {
	for pattern := range strings.SplitSeq(v, ",") {
		if pattern = canonicalHost(unquote(pattern)); pattern == "" {
			continue
		}
		if _, err := netip.ParseAddr(pattern); err != nil && !brokerPattern.MatchString(pattern) {
			return errors.New("not a host name, an address, or *. with the end of a name")
		}
		c.BrokerHosts = append(c.BrokerHosts, pattern)
	}
	if len(c.BrokerHosts) == 0 {
		return errors.New("no host in it")
	}
	return nil
}

// MayCall tells whether a broker of that host may be called. Who is an endpoint names the
// brokers, and each of them gets the AccessKey. Without broker_hosts it may be any that has
// a certificate of its own name.
func (c *Config) MayCall(host string) bool {
	host = canonicalHost(host)
	if len(c.BrokerHosts) == 0 || slices.ContainsFunc(c.endpointHosts(), func(e string) bool { return e == host }) {
		return true
	}
	return slices.ContainsFunc(c.BrokerHosts, func(pattern string) bool {
		end, below := strings.CutPrefix(pattern, "*")
		return pattern == host || below && len(host) > len(end) && strings.HasSuffix(host, end)
	})
}

// IsOutside tells whether a host is outside of the domain of each endpoint, and neither
// broker_hosts nor tls_server_name says that it belongs there.
func (c *Config) IsOutside(host string) bool {
	if len(c.BrokerHosts) > 0 || c.TLSServerName != "" && c.TLSVerify {
		return false
	}
	host = canonicalHost(host)
	return !slices.ContainsFunc(c.endpointHosts(), func(endpoint string) bool {
		return host == endpoint || isLoopback(host) && isLoopback(endpoint) || strings.HasSuffix(host, domainOf(endpoint))
	})
}

func (c *Config) endpointHosts() (hosts []string) {
	for _, e := range c.Endpoints {
		if host, _, err := net.SplitHostPort(e); err == nil {
			hosts = append(hosts, canonicalHost(host))
		}
	}
	return hosts
}

func canonicalHost(host string) string {
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// domainOf returns what the names of an endpoint's brokers end in: the endpoint's own name
// without its first part. That of an address, and of a name in a domain of one part, is
// the whole.
func domainOf(endpoint string) string {
	if strings.HasSuffix(endpoint, aliyunDomain) {
		return aliyunDomain
	}
	_, domain, _ := strings.Cut(endpoint, ".")
	if _, err := netip.ParseAddr(endpoint); err == nil || !strings.Contains(domain, ".") {
		return "." + endpoint
	}
	return "." + domain
}
