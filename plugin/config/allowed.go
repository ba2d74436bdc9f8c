package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// AllowedLogstores are those that logstore_key may name. The zero value allows all.
type AllowedLogstores struct {
	names    map[string]bool
	prefixes []string
}

// Limited tells whether some name is not allowed.
func (a *AllowedLogstores) Limited() bool { return a.names != nil }

// Has tells whether a name is allowed.
func (a *AllowedLogstores) Has(name string) bool {
	if !a.Limited() || a.names[name] {
		return true
	}
	for _, prefix := range a.prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// logstorePrefix matches how a name of a logstore may begin.
var logstorePrefix = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,61}$`)

func setLogstoreAllowed(c *Config, v string) error {
	allowed := AllowedLogstores{names: make(map[string]bool)}
	for name := range strings.SplitSeq(v, ",") {
		name = strings.TrimSpace(name)
		prefix, isPrefix := strings.CutSuffix(name, "*")
		switch {
		case name == "":
			return errors.New("a name is missing before or after a comma")
		case name == "*":
			return errors.New("* alone allows every name, as does leaving the option out")
		case isPrefix && logstorePrefix.MatchString(prefix):
			allowed.prefixes = append(allowed.prefixes, prefix)
		case !isPrefix && ValidLogstore.MatchString(name):
			allowed.names[name] = true
		default:
			return fmt.Errorf("%q is not the name of a logstore, nor the beginning of one and *", name)
		}
	}
	c.LogstoreAllowed = allowed
	return nil
}
