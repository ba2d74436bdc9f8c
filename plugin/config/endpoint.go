package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"out_sls_kafka/plugin/display"
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
		return c.resolveRegion()
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

// resolveRegion makes the endpoint of a region. Its name may have the network in it, as
// the console's list of endpoints has.
func (c *Config) resolveRegion() (faults []Fault) {
	host := c.region
	switch inside := portOf(host) == intranetPort; {
	case inside && c.given["network"] && c.network == "internet":
		return []Fault{{"region/network", c.region + " / " + c.network, "this name is of the intranet", "the region's own name, such as cn-hangzhou, or network intranet"}}
	case !inside && c.network == "intranet":
		host += "-intranet"
	}
	c.Endpoints = []string{c.Project + "." + host + ".log" + aliyunDomain + ":" + portOf(host)}
	return nil
}

func sampleEndpoint(project string) string {
	if !projectName.MatchString(project) {
		project = "my-project"
	}
	return project + ".cn-hangzhou.log" + aliyunDomain + ":" + internetPort
}

// hostName matches what a certificate can be for. Anything else would be asked of DNS, and
// stand in the log: a URL with a secret in it, %23 for its #.
var hostName = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

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
	if display.LooksRandom(host) { // an AccessKey's secret, which else would be in the log and in questions to DNS
		return "", "not a host name"
	}
	// A name is the same in any case, and with the final dot that says it is whole; a
	// certificate has it without.
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err != nil && !hostName.MatchString(host) {
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

var zoneName = regexp.MustCompile(`-[a-z]$`)

// endpointWarnings returns remarks on endpoints that are not SLS's, though they look so.
func (c *Config) endpointWarnings() (w []string) {
	for _, e := range c.Endpoints {
		host, port, err := net.SplitHostPort(e)
		if err != nil || !strings.HasSuffix(host, aliyunDomain) || port == portOf(host) {
			continue
		}
		network := "internet"
		if portOf(host) == intranetPort {
			network = "intranet"
		}
		w = append(w, fmt.Sprintf("endpoint %s: this host is of the %s, where Kafka has port %s and not %s", e, network, portOf(host), port))
	}
	switch near := nearRegion(c.region); {
	case near != "":
		w = append(w, fmt.Sprintf("region %s: not one of the regions known here; did you mean %s?", c.region, near))
	case zoneName.MatchString(c.region):
		w = append(w, fmt.Sprintf("region %s: this looks like a zone; its region is %s", c.region, c.region[:len(c.region)-2]))
	}
	return w
}

// cities are the regions of Alibaba Cloud that a place gave its name to. Those with a
// number are not here: there are new ones.
var cities = []string{"cn-beijing", "cn-chengdu", "cn-fuzhou", "cn-guangzhou", "cn-hangzhou", "cn-heyuan", "cn-hongkong",
	"cn-huhehaote", "cn-nanjing", "cn-qingdao", "cn-shanghai", "cn-shenzhen", "cn-wulanchabu", "cn-zhangjiakou"}

// nearRegion is the city that region is one edit away from, "" for none.
func nearRegion(region string) (near string) {
	if region == "" || slices.Contains(cities, region) {
		return ""
	}
	for _, city := range cities {
		edits(city, func(typo string) {
			if typo == region {
				near = city
			}
		})
	}
	return near
}

// Addresses returns the endpoints as one text, for a log line.
func (c *Config) Addresses() string { return strings.Join(c.Endpoints, ", ") }
