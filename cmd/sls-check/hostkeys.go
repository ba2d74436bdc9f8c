package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

// The keys of an [OUTPUT] that Fluent Bit keeps to itself and never shows to a plugin.
// Source: Fluent Bit 5.1.1, flb_output_set_property, flb_output.c; flb_upstream.c for net.*.

// effective are those that do something for every output.
var effective = []string{
	"name", "match", "match_regex", "alias", "log_level", "log_suppress_interval", "retry_limit", "storage.total_limit_size", "workers",
	"routes", "processors",
}

// ineffective are those for outputs that make their connections with Fluent Bit's own code, with the option that does
// the same here, "" where there is none.
var ineffective = map[string]string{
	"host": "endpoint", "port": "endpoint", "ipv6": "ip_family",
	"tls.verify": "tls_verify", "tls.verify_hostname": "tls_verify", "tls.vhost": "tls_server_name", "tls.ca_file": "tls_ca_file",
	"tls.crt_file": "tls_cert_file", "tls.key_file": "tls_key_file", "tls.ca_path": "tls_ca_file",
	"tls": "", "tls.debug": "", "tls.key_passwd": "", "tls.min_version": "", "tls.max_version": "", "tls.ciphers": "",
	"tls.proxy.verify": "", "tls.proxy.verify_hostname": "", "tls.proxy.ca_path": "", "tls.proxy.ca_file": "",
	"net.connect_timeout": "dial_timeout", "net.io_timeout": "request_timeout", "net.dns.prefer_ipv4": "ip_family", "net.dns.prefer_ipv6": "ip_family",
	"net.dns.mode": "", "net.dns.resolver": "", "net.keepalive": "", "net.keepalive_idle_timeout": "", "net.tcp_keepalive": "",
	"net.tcp_keepalive_time": "", "net.tcp_keepalive_interval": "", "net.tcp_keepalive_probes": "", "net.connect_timeout_log_error": "",
	"net.source_address": "", "net.keepalive_max_recycle": "", "net.max_worker_connections": "", "net.proxy_env_ignore": "",
}

func isHostKey(key string) bool {
	_, without := ineffective[key]
	return without || slices.Contains(effective, key) || strings.HasPrefix(key, "net.") || strings.HasPrefix(key, "oauth2") || strings.HasPrefix(key, "_debug.http.")
}

// checkHostKeys looks at the keys of Fluent Bit itself.
func (c *check) checkHostKeys(o *output) {
	for i := range o.Properties {
		p := &o.Properties[i]
		key := strings.ToLower(p.Key)
		instead, without := ineffective[key]
		switch {
		case key == "tls" && isOn(p):
			c.fail(p.Place, "tls is on", "Fluent Bit ends with \"does not support TLS\": its tls is for connections that it makes itself.", "remove it; the plugin's connection is always TLS, its options begin with tls_")
		case strings.HasPrefix(key, "net.") && !without:
			c.fail(p.Place, p.Key+" is not a key of Fluent Bit 5.1.1", "Fluent Bit ends at a key of net. that it does not know.", "remove it")
		case without || strings.HasPrefix(key, "oauth2") || strings.HasPrefix(key, "_debug.http."):
			c.noEffect(p, instead)
		}
	}
	c.checkRetryLimit(o)
	c.checkWorkers(o)
	if p := o.Last("storage.total_limit_size"); p != nil {
		c.note(p.Place, "over "+p.Shown()+" on disk the oldest chunks are dropped", "storage.total_limit_size bounds what may wait during an outage.", "see that it holds the longest outage; Fluent Bit does not tell the plugin what it drops")
	}
}

func (c *check) noEffect(p *fbconf.Property, instead string) {
	do := "remove it"
	if instead != "" {
		do = "set " + instead + " instead"
	}
	c.warn(p.Place, p.Key+" has no effect here", "Fluent Bit keeps it to itself, for connections that it makes; this plugin makes its own.", do)
}

// checkRetryLimit looks at what becomes of a chunk that the plugin gives back.
func (c *check) checkRetryLimit(o *output) {
	const why = "The plugin waits as long as an outage lasts, but must give its chunks back where Fluent Bit stops or reloads during it or a blocking flush ends; after Retry_Limit retries they are dropped, from disk too."
	p := o.Last("retry_limit")
	if p == nil || p.Value == "" {
		c.warn(place(o.Section, "retry_limit"), "Retry_Limit is not set, which means 1", why, "set Retry_Limit no_limits")
		return
	}
	switch strings.ToLower(p.Value) {
	case "no_limits", "false", "off":
	case "no_retries":
		c.warn(p.Place, "Retry_Limit is no_retries", why, "set Retry_Limit no_limits")
	default:
		n := max(atoi(p.Value), 0)
		if n == 0 {
			c.warn(p.Place, "Retry_Limit is not a number above 0, nor a word that Fluent Bit knows: it counts as 1", why, "set Retry_Limit no_limits")
			return
		}
		c.warn(p.Place, fmt.Sprintf("Retry_Limit is %d", n), why, "set Retry_Limit no_limits")
	}
}

// checkWorkers looks at threads: those that are there and must not be, and those that are missing.
func (c *check) checkWorkers(o *output) {
	p := o.Last("workers")
	workers := atoi(value(o.Section, "workers"))
	switch reload := c.service.Last("hot_reload"); {
	case workers > 0 && isOn(reload):
		c.warn(p.Place, "workers, and hot_reload is on", fmt.Sprintf("Fluent Bit 2.2 to 5.1.1 leaks the threads of a Go output at each reload and may crash. hot_reload is at %v.", reload.Place), "remove workers, which this plugin does not need, or restart instead of reloading")
	case workers > 0:
		c.note(p.Place, "workers are set", "This plugin waits without blocking; workers do not mix with a hot reload.", "leave workers out, unless the log warns of blocking flushes")
	}
	if o.parsed != nil && workers == 0 {
		c.checkBlocking(o)
	}
}

// atoi is the C function: the number a text begins with, 0 where there is none.
func atoi(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[end] == '-' || s[end] == '+')) {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return 0
	}
	return n
}
