package config

import (
	"net"
	"strconv"
	"strings"
)

// The ports of SLS's Kafka endpoints.
// Source: "Use the Kafka protocol to upload logs", Alibaba Cloud, SLS_KAFKA_ENDPOINT.
const (
	intranetPort = "10011"
	internetPort = "10012"
)

const aliyunDomain = ".aliyuncs.com"

// resolveEndpoints makes host:port from endpoint, or from region and network.
func (c *Config) resolveEndpoints() (faults []Fault) {
	switch {
	case c.endpoint == "" && c.region == "":
		return []Fault{{"endpoint/region", "", "missing", "one of the two: endpoint as host[:port], or region such as cn-hangzhou"}}
	case c.endpoint != "" && c.region != "":
		return []Fault{{"endpoint/region", c.endpoint + " / " + c.region, "both are set", "one of the two"}}
	case c.endpoint != "" && c.given["network"]:
		return []Fault{{"network", c.network, "it builds the endpoint from region, but endpoint is set", "endpoint alone, or region and network"}}
	case c.region != "":
		host, port := c.region, internetPort
		if c.network == "intranet" {
			host, port = host+"-intranet", intranetPort
		}
		c.Endpoints = []string{c.Project + "." + host + ".log" + aliyunDomain + ":" + port}
		return nil
	}
	for _, e := range strings.Split(c.endpoint, ",") {
		if e = unquote(e); e == "" {
			continue
		}
		address, problem := c.completeAddress(e)
		if problem != "" {
			faults = append(faults, Fault{"endpoint", e, problem, "host[:port], such as " + sampleEndpoint(c.Project)})
			continue
		}
		c.Endpoints = append(c.Endpoints, address)
	}
	if len(c.Endpoints) == 0 && len(faults) == 0 {
		faults = append(faults, Fault{"endpoint", c.endpoint, "no host in it", "host[:port], such as " + sampleEndpoint(c.Project)})
	}
	return faults
}

func sampleEndpoint(project string) string {
	if !projectName.MatchString(project) {
		project = "my-project"
	}
	return project + ".cn-hangzhou.log" + aliyunDomain + ":" + internetPort
}

// completeAddress completes one endpoint, which a user may give with or without
// scheme, project and port.
func (c *Config) completeAddress(e string) (address, problem string) {
	for _, scheme := range []string{"https://", "http://", "sasl_ssl://"} {
		e = strings.TrimPrefix(e, scheme)
	}
	e = strings.TrimSuffix(e, "/")
	host, port, err := net.SplitHostPort(e)
	if err != nil {
		if host, port = strings.Trim(e, "[]"), ""; strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", "not a host with a port"
		}
	}
	if host == "" || strings.ContainsAny(host, " /@#?") {
		return "", "not a host name"
	}
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", "the port is not a number from 1 to 65535"
		}
	}
	if strings.HasSuffix(host, aliyunDomain) {
		if host, problem = c.withProject(host); problem != "" {
			return "", problem
		}
	}
	if port == "" {
		port = portOf(host)
	}
	return net.JoinHostPort(host, port), ""
}

// withProject puts the project in front of a regional host, for the hosts of SLS are
// <project>.<region>.log.aliyuncs.com. A host with another project is a problem: that
// project's endpoint would refuse the connection.
func (c *Config) withProject(host string) (full, problem string) {
	if strings.HasPrefix(host, c.Project+".") || !projectName.MatchString(c.Project) {
		return host, "" // a wrong project is a fault of its own
	}
	if labels := strings.Split(host, "."); len(labels) > 4 {
		return "", "it names the project " + labels[0] + ", but project is " + c.Project
	}
	return c.Project + "." + host, ""
}

// portOf returns 10011 for hosts inside Alibaba Cloud's network, otherwise 10012.
func portOf(host string) string {
	for _, label := range strings.Split(host, ".") {
		for _, suffix := range []string{"-intranet", "-internal", "-vpc", "-share"} {
			if strings.HasSuffix(label, suffix) {
				return intranetPort
			}
		}
	}
	return internetPort
}

// Addresses returns the endpoints as one text, for a log line.
func (c *Config) Addresses() string { return strings.Join(c.Endpoints, ", ") }
