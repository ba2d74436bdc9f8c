package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/display"
)

// shortestHidden is how long the value of a variable is that is taken out of a text wherever it stands: a shorter one is
// part of other words. Where a text repeats a whole value it shows [fbconf.Property.Shown].
const shortestHidden = 6

// hidden returns what takes out of a text what must not be shown: secrets, and the values of variables, in whose place
// stands ${NAME}. A configuration of others may name any file and any variable of whoever examines it.
func (c *check) hidden() func(string) string {
	secrets := new(display.Secrets)
	values := make(map[string]string)
	for _, s := range c.config.Sections {
		for _, p := range s.Properties {
			for _, v := range p.Variables {
				if v.Set && !v.Default && len(v.Value) >= shortestHidden {
					values[v.Value] = "${" + v.Name + "}"
				}
			}
		}
		if s.Kind == fbconf.Output && strings.EqualFold(s.Plugin(), pluginName) {
			config.Source{Getenv: c.getenv, Property: property(s)}.AddSecrets(secrets)
		}
	}
	replacer := replacerOf(values)
	return func(text string) string { return secrets.Hide(replacer.Replace(text)) }
}

// replacerOf replaces longer values first, and each also as it stands within quotes.
func replacerOf(values map[string]string) *strings.Replacer {
	var pairs [][2]string
	for value, name := range values {
		pairs = append(pairs, [2]string{value, name})
		if quoted := strconv.Quote(value); quoted != `"`+value+`"` {
			pairs = append(pairs, [2]string{quoted[1 : len(quoted)-1], name})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(len(b[0]), len(a[0])), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	var flat []string
	for _, p := range pairs {
		flat = append(flat, p[0], p[1])
	}
	return strings.NewReplacer(flat...)
}

// property returns what the plugin gets for a key of a section.
func property(s *fbconf.Section) func(key string) string {
	return func(key string) string {
		if p := s.First(key); p != nil {
			return p.Value
		}
		return ""
	}
}
