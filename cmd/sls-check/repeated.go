package main

import (
	"slices"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

// The keys of Fluent Bit's own inputs and filters that may stand more than once, as a list in YAML too. Any other ends
// it: "configuration property 'path' is set 2 times".
// Source: Fluent Bit 5.1.1, FLB_CONFIG_MAP_MULT in the tables of the plugins; flb_config_map_properties_check.
var repeatable = map[string]string{
	"checklist": "record", "ecs": "add", "expect": "key_exists key_not_exists key_val_eq key_val_is_not_null key_val_is_null",
	"geoip2": "lookup_key record", "grep": "exclude regex", "log_to_metrics": "add_label bucket exclude label_field regex",
	"modify":    "add condition copy hard_copy hard_rename move_to_end move_to_start remove remove_regex remove_wildcard rename set",
	"multiline": "multiline.parser", "nest": "wildcard", "parser": "parser", "record_modifier": "allowlist_key record remove_key whitelist_key",
	"rewrite_tag": "rule", "type_converter": "float_key int_key str_key uint_key",

	"ebpf": "trace", "forward": "security.users", "http": "success_header", "splunk": "success_header", "systemd": "systemd_filter",
	"tail": "multiline.parser", "windows_exporter_metrics": "enable_collector performancecounter",
}

// strictPlugins are the inputs and filters whose other keys may stand once: those that configurations for SLS have.
var strictPlugins = map[fbconf.Kind]string{
	fbconf.Input:  "cpu disk docker docker_events dummy exec fluentbit_metrics forward http kmsg kubernetes_events mem netif node_exporter_metrics opentelemetry prometheus_scrape splunk statsd syslog systemd tail tcp udp",
	fbconf.Filter: "checklist ecs expect geoip2 grep kubernetes log_to_metrics lua modify multiline nest parser record_modifier rewrite_tag throttle type_converter",
}

// ofEngine are keys that Fluent Bit itself takes; the last one counts.
// Source: Fluent Bit 5.1.1, flb_input_set_property and flb_filter_set_property.
const ofEngine = " name alias host ipv6 listen log_level log_suppress_interval match match_regex mem_buf_limit port rate_window routable storage.pause_on_chunks_overlimit storage.type tag thread.ring_buffer.capacity thread.ring_buffer.window threaded active condition processors tls "

// checkRepeated looks for keys of inputs and filters that are set more than once, or are a list, and must not be.
func (c *check) checkRepeated() {
	for _, s := range c.config.Sections {
		plugin := strings.ToLower(s.Plugin())
		if !slices.Contains(strings.Fields(strictPlugins[s.Kind]), plugin) {
			continue
		}
		seen := make(map[string]*fbconf.Property)
		for i := range s.Properties {
			p := &s.Properties[i]
			key := strings.ToLower(p.Key)
			first := seen[key]
			if seen[key] = p; first == nil || mayRepeat(plugin, key) {
				continue
			}
			if p.Element > 1 {
				c.fail(p.Place, p.Key+" of "+plugin+" is a list", "Fluent Bit ends: it takes a list for the same key several times, and this key may stand once.", "write one value; where it may name several they are separated by commas")
			} else {
				c.fail(p.Place, p.Key+" of "+plugin+" is set again", "Fluent Bit ends: this key may stand once. The first is at "+first.Place.String()+".", "remove one of the two")
			}
		}
	}
}

func mayRepeat(plugin, key string) bool {
	return strings.Contains(ofEngine, " "+key+" ") || slices.Contains(strings.Fields(repeatable[plugin]), key) ||
		strings.HasPrefix(key, "tls.") || strings.HasPrefix(key, "net.") || strings.HasPrefix(key, "rate_gate") || strings.HasPrefix(key, "oauth2") || strings.HasPrefix(key, "_debug.")
}
