package main

import (
	"errors"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/plugin/config"
)

// pluginName is what an [OUTPUT] of this plugin is called.
const pluginName = "sls_kafka"

// output is one [OUTPUT] of this plugin.
type output struct {
	*fbconf.Section
	parsed *config.Config // nil where the plugin refuses it
	match  string
	routed bool // not by match alone
}

// check examines one configuration.
type check struct {
	report
	root    string // of another machine, "" for this one
	config  *fbconf.Config
	getenv  func(string) string
	service *fbconf.Section
	outputs []*output
}

// examine reads the file and all that it includes, and looks it over.
func examine(file, root string, getenv func(string) string) *check {
	c := &check{root: root, getenv: getenv}
	var err error
	c.config, err = fbconf.ReadBelow(root, file, getenv)
	c.hide = c.hidden()
	for _, r := range c.config.Remarks {
		c.warn(r.Place, r.Problem, "Fluent Bit reads on without it.", r.Advice)
	}
	for _, r := range c.config.Absent {
		c.note(r.Place, r.Problem, "It belongs to another machine.", r.Advice)
	}
	if fault, ok := errors.AsType[*fbconf.Error](err); ok {
		c.fail(fault.Place, fault.Problem, "Fluent Bit refuses the configuration.", fault.Advice)
	}
	if err != nil {
		return c
	}
	c.service = c.config.Service()
	for _, s := range c.config.Of(fbconf.Output) {
		if strings.EqualFold(s.Plugin(), pluginName) {
			c.outputs = append(c.outputs, &output{Section: s, match: value(s, "match"), routed: s.Routed || s.First("match_regex") != nil})
		}
	}
	c.checkLoading()
	c.checkRepeated()
	if len(c.outputs) == 0 {
		c.noOutput()
		c.checkVariables()
		return c
	}
	for _, o := range c.outputs {
		c.checkOptions(o)
		c.checkKeys(o)
		c.checkHostKeys(o)
		c.checkGroups(o)
	}
	c.checkVariables()
	c.checkPairs()
	c.checkService()
	c.checkRoutes()
	c.checkSpools()
	return c
}

func (c *check) noOutput() {
	var names []string
	for _, s := range c.config.Of(fbconf.Output) {
		names = append(names, s.Plugin())
	}
	what, do := "no output is "+pluginName, "name the plugin of the output: Name "+pluginName
	switch {
	case len(names) > 0:
		what += "; there is " + list(names)
	case len(c.config.Sections) == 0:
		what, do = "the configuration is empty: it has no section", "see whether this is the file that you mean"
	}
	c.fail(fbconf.Place{File: c.config.Files[0]}, what, "Nothing goes to SLS through this plugin.", do)
}

// checkVariables looks for variables without a value, other than those that are the cause of an error.
func (c *check) checkVariables() {
	for _, s := range c.config.Sections {
		for i := range s.Properties {
			p := &s.Properties[i]
			if unset := p.Unset(); len(unset) > 0 && !c.failed(p.Place) {
				c.warn(p.Place, p.Key+" has a variable without a value: "+list(unset), "Fluent Bit puts nothing in its place.", setVariables(unset))
			}
		}
	}
}

func setVariables(names []string) string {
	return "set " + list(names) + " where Fluent Bit runs; to try it here, -e " + names[0] + "=value"
}

// isOn is how Fluent Bit reads a switch.
func isOn(p *fbconf.Property) bool {
	if p == nil {
		return false
	}
	switch strings.ToLower(p.Value) {
	case "on", "true", "yes":
		return true
	}
	return false
}

// value is that of the property which counts for a key of Fluent Bit itself, "" where it is not set.
func value(s *fbconf.Section, key string) string {
	if p := s.Last(key); p != nil {
		return p.Value
	}
	return ""
}

// place is the line of a key, or of the section where it is not set.
func place(s *fbconf.Section, key string) fbconf.Place {
	if p := s.Last(key); p != nil {
		return p.Place
	}
	return s.Place
}
