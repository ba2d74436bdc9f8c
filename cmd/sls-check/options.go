package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/display"
)

// checkOptions has the plugin's own parser read the section.
func (c *check) checkOptions(o *output) {
	given := make(map[string]string)
	for _, option := range config.Options() { // what is misspelt has its own check, with lines
		if p := o.First(option.Name); p != nil {
			given[option.Name] = p.Value
		}
	}
	source := config.Source{Examine: true, WillExist: c.inStorage, Getenv: c.getenv, Property: c.elsewhere(o, func(key string) string { return given[key] })}
	parsed, warnings, err := config.Parse(source)
	o.parsed = parsed
	for _, w := range warnings {
		c.optionWarning(o, w)
	}
	if err == nil {
		_, err = connect.Options(parsed)
	}
	faults, _ := errors.AsType[config.Faults](err)
	for _, f := range faults {
		c.optionFault(o, c.readable(f))
	}
	if err != nil && len(faults) == 0 {
		c.fail(o.Place, err.Error(), refused, "fix the options of this section")
	}
}

// inStorage tells whether a file is in storage.path, or in a directory above, and that is not there yet: Fluent Bit makes
// it before it starts the plugin.
func (c *check) inStorage(file string) bool {
	storage, dir := value(c.service, "storage.path"), filepath.Dir(file)
	if storage == "" || !strings.HasPrefix(filepath.Clean(storage)+"/", dir+"/") {
		return false
	}
	_, err := os.Stat(dir)
	return errors.Is(err, os.ErrNotExist)
}

const refused = "The plugin refuses its options, and Fluent Bit ends."

// optionFault is what the plugin says is wrong.
func (c *check) optionFault(o *output, f config.Fault) {
	at := o.Place
	do := "allowed: " + f.Allowed
	hideVariables(o, &f)
	for key := range strings.SplitSeq(f.Key, "/") {
		p := o.First(key)
		if p == nil {
			continue
		}
		at = p.Place
		if unset := p.Unset(); f.Value == "" && len(unset) > 0 {
			do = setVariables(unset) + "; " + do
		}
		break
	}
	if f.Allowed == "" {
		do = "fix the options of this section"
	}
	f.Allowed = ""
	c.fail(at, f.Error(), refused, do)
}

// hideVariables shows the values of a fault as they are written, where variables are in them.
func hideVariables(o *output, f *config.Fault) {
	keys := strings.Split(f.Key, "/")
	for _, key := range keys {
		p := o.First(key)
		if p == nil || len(p.Variables) == 0 || p.Value == "" || f.Value == "" {
			continue
		}
		f.Problem = strings.ReplaceAll(f.Problem, strconv.Quote(p.Value), strconv.Quote(p.Text))
		f.Value = strings.ReplaceAll(f.Value, p.Value, p.Text)
		if len(keys) == 1 {
			f.Value = (*display.Secrets)(nil).Value(p.Text)
		}
	}
}

// optionWarning is a remark of the plugin. Its first word is the option, or a sentence begins.
func (c *check) optionWarning(o *output, text string) {
	key, _, _ := strings.Cut(text, " ")
	what, why, _ := strings.Cut(text, ": ")
	at, do := o.Place, "read docs/options.md on it"
	if p := o.First(key); p != nil {
		at, do = p.Place, "remove "+key+" unless this is meant"
	}
	c.warn(at, what, why, do)
}

// checkKeys looks for keys that nobody reads, and for options that are set in a way that loses a value.
func (c *check) checkKeys(o *output) {
	options := make(map[string]bool)
	for _, option := range config.Options() {
		options[option.Name] = true
	}
	set := make(map[string]*fbconf.Property)
	for i := range o.Properties {
		p := &o.Properties[i]
		key := strings.ToLower(p.Key)
		first := set[key]
		if first == nil {
			set[key] = p
		}
		switch {
		case p.Element > 1 && options[key]:
			if p.Element == 2 {
				c.warn(p.Place, p.Key+" is a list", "A plugin gets the first element of a list alone.", "write one value, its parts separated by commas where the option takes several")
			}
		case p.Element > 1: // a key of Fluent Bit itself
		case first != nil && options[key]:
			c.warn(p.Place, fmt.Sprintf("%s is set again, and has no effect", p.Key), fmt.Sprintf("Of a repeated option the first counts, which is at %v.", first.Place), "remove one of the two")
		case first != nil && isHostKey(key):
			c.warn(p.Place, fmt.Sprintf("%s is set again", p.Key), fmt.Sprintf("Of a repeated key of Fluent Bit the last counts; the one at %v has no effect.", first.Place), "remove one of the two")
		case options[key] || isHostKey(key):
			c.checkComment(p)
		default:
			c.unknownKey(p, key)
		}
	}
}

// checkComment looks for what someone meant as a comment.
func (c *check) checkComment(p *fbconf.Property) {
	if !c.config.YAML && strings.Contains(p.Text, " #") {
		c.warn(p.Place, "the value of "+p.Key+" holds a # after a blank", "A comment begins at the beginning of a line; here it belongs to the value.", "put the comment on a line of its own")
	}
}

func (c *check) unknownKey(p *fbconf.Property, key string) {
	const why = "Neither Fluent Bit nor the plugin reads it, and neither says so."
	do := "remove it; docs/options.md lists what there is"
	if instead := config.Equivalent(key); instead != "" {
		do = "here it is " + instead
	} else if near := nearest(key); near != "" {
		do = "did you mean " + near + "?"
	}
	c.warn(p.Place, shownKey(p.Key)+" is not an option, and has no effect", why, do)
}

// shownKey is a key as it may be shown: key=value without a blank is all key, and the value may be a secret.
func shownKey(key string) string {
	name, _, found := strings.Cut(key, "=")
	if !found {
		name, _, found = strings.Cut(key, ":")
	}
	if found {
		return name + "..."
	}
	return (*display.Secrets)(nil).Value(key)
}

// nearest is the key that this one is a misspelling of, "" for none.
func nearest(key string) (name string) {
	key = strings.NewReplacer("-", "_", ".", "_").Replace(key)
	best := min(2, len(key)/3) + 1
	try := func(candidate string) {
		if longer := len(key) - len(candidate); longer >= best || -longer >= best {
			return
		}
		if d := distance(key, strings.ReplaceAll(candidate, ".", "_")); d < best {
			best, name = d, candidate
		}
	}
	for _, option := range config.Options() {
		try(option.Name)
	}
	for _, key := range effective {
		try(key)
	}
	return name
}

// distance is how many letters must be added, removed or replaced to make one text of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
