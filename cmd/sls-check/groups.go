package main

import (
	"slices"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

// dropGroups are the filters that give records on without the groups they are in, and so without OTLP's resource
// attributes. Source: run with Fluent Bit 5.1.1; all other filters keep them. fluent/fluent-bit#11053.
var dropGroups = []string{"modify", "multiline", "nest", "parser", "record_modifier"}

// checkGroups looks for filters that take away what group_key is to show.
func (c *check) checkGroups(o *output) {
	wanted := o.First("group_key")
	if wanted == nil {
		return
	}
	for _, f := range c.config.Of(fbconf.Filter) {
		kind := strings.ToLower(f.Plugin())
		if slices.Contains(dropGroups, kind) && c.filters(f, o) {
			c.warn(f.Place, "filter "+kind+" takes records out of their groups",
				"Fluent Bit forgets the groups of what this filter gives on, so group_key finds nothing: resource attributes of OpenTelemetry are missing, and no line says so.",
				"do the same in the processors of the input, or by a filter that keeps groups, such as lua; or remove group_key")
		}
	}
}

// filters tells whether a filter sees records that may come to an output.
func (c *check) filters(f *fbconf.Section, o *output) bool {
	if f.First("match_regex") != nil || o.Routed || o.First("match_regex") != nil {
		return true
	}
	sources := c.sources()
	for i := range sources {
		if s := &sources[i]; s.feeds(o, o.Last("match")) && (c.retags(s.tag) || meet(s.tag, value(f, "match"))) {
			return true
		}
	}
	return len(sources) == 0
}
