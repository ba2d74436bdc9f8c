package main

import (
	"fmt"
	"strings"
	"time"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/plugin/config"
)

const (
	// defaultGrace is how many seconds chunks may take at a stop where Grace is not set.
	// Source: Fluent Bit 5.1.1, flb_config_init, flb_config.c.
	defaultGrace = 5
	// patience is how long Kubernetes waits before it kills, unless terminationGracePeriodSeconds says otherwise.
	patience = 30 * time.Second
)

// checkBlocking warns where a flush holds the thread of everything else.
func (c *check) checkBlocking(o *output) {
	if o.parsed.FlushMode == config.FlushBlocking {
		c.warn(place(o.Section, "flush_mode"), "flush_mode is blocking, and there are no workers",
			"Each flush holds Fluent Bit's only thread for up to flush_timeout, so inputs and other outputs stop while SLS is slow.",
			"leave flush_mode out, or set workers 2")
	}
}

// checkPairs compares the outputs with each other.
func (c *check) checkPairs() {
	aliases, logstores := make(map[string]*output), make(map[string][]*output)
	for _, o := range c.outputs {
		if alias := value(o.Section, "alias"); alias != "" {
			if other := aliases[alias]; other != nil {
				c.warn(place(o.Section, "alias"), "alias "+o.Last("alias").Shown()+" is taken", fmt.Sprintf("The output at %v has it too; Fluent Bit's metrics do not distinguish them.", other.Place), "give each output its own alias")
			} else {
				aliases[alias] = o
			}
		}
		if o.parsed == nil {
			continue
		}
		same := strings.Join(append([]string{o.parsed.Project, o.parsed.Logstore}, o.parsed.Endpoints...), " ")
		for _, other := range logstores[same] {
			if o.overlaps(other) {
				c.warn(o.Place, "the output writes to the same logstore as another", fmt.Sprintf("Records that match both land twice. The other is at %v.", other.Place), "remove one of the two, or let their Match differ")
				break
			}
		}
		logstores[same] = append(logstores[same], o)
	}
}

// checkService looks at [SERVICE].
func (c *check) checkService() {
	if p := c.service.Last("daemon"); isOn(p) {
		c.fail(p.Place, "Daemon is on", "Fluent Bit forks after it has loaded the plugin, and a Go plugin does not live through that: nothing is delivered.", "remove it, and let a service manager keep Fluent Bit in the background")
	}
	c.checkGrace()
	for i := range c.service.Properties {
		p := &c.service.Properties[i]
		if name := misspelt(p.Key); name != "" {
			c.warn(p.Place, p.Key+" is not a key of [SERVICE], and has no effect", "Fluent Bit does not say so.", "did you mean "+name+"?")
		}
	}
	if p := c.service.Last("storage.type"); p != nil && !isOn(c.service.Last("storage.inherit")) {
		c.warn(p.Place, "storage.type in [SERVICE] has no effect", "Inputs take it over only with storage.inherit on.", "set storage.type on each input, or storage.inherit on")
	}
}

// serviceKeys are the keys of [SERVICE] that the checks here look at.
var serviceKeys = []string{"storage.path", "storage.type", "storage.inherit", "storage.max_chunks_up", "grace", "hot_reload", "plugins_file", "daemon"}

// misspelt is the key of [SERVICE] that this one is meant for, "" where it is none of these or right.
func misspelt(key string) (name string) {
	key = strings.ToLower(key)
	for _, known := range serviceKeys {
		switch d := distance(key, known); {
		case d == 0:
			return ""
		case d <= 2 && len(known) > 6 || d == 1:
			name = known
		}
	}
	return name
}

// checkGrace adds up how long a stop may take.
func (c *check) checkGrace() {
	grace := defaultGrace
	if text := value(c.service, "grace"); text != "" {
		grace = atoi(text)
	}
	if grace < 0 {
		c.warn(place(c.service, "grace"), "Grace is below 0", "Fluent Bit then stops only when every chunk is delivered: while SLS is away, never.", "set a number of seconds; with storage.type filesystem what is left waits on disk")
		return
	}
	var exit time.Duration // one time for all outputs
	for _, o := range c.outputs {
		if o.parsed != nil {
			exit = max(exit, o.parsed.ExitTimeout)
		}
	}
	total := time.Duration(grace+1)*time.Second + exit
	if total > patience {
		c.warn(c.graceAt(), fmt.Sprintf("a stop while SLS is away takes up to %v", total),
			"That is 1s to notice, Grace, and the longest exit_timeout. Kubernetes kills after 30s unless told otherwise; what is on disk stays there, what is in memory is lost.",
			"lower Grace or exit_timeout, or let whoever stops Fluent Bit wait longer (terminationGracePeriodSeconds, TimeoutStopSec)")
	}
}

// graceAt is where the time of a stop is set.
func (c *check) graceAt() fbconf.Place {
	if p := c.service.Last("grace"); p != nil {
		return p.Place
	}
	for _, o := range c.outputs {
		if p := o.First("exit_timeout"); p != nil {
			return p.Place
		}
	}
	return c.service.Place
}
