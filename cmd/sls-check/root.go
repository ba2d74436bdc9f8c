package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
	"out_sls_kafka/plugin/config"
)

// ofFiles are the options that name files which the plugin reads at its start.
var ofFiles = []string{"credentials_file", "tls_ca_file", "tls_cert_file", "tls_key_file"}

// here is where a path of the configuration is on this machine.
func (c *check) here(path string) string { return fbconf.Below(c.root, path) }

// missing tells whether a file of another machine is not below its root: then it cannot be examined, which is not an
// error of the configuration.
func (c *check) missing(path string) bool {
	if c.root == "" || fbconf.Below(c.root, path) == path {
		return false
	}
	_, err := os.Stat(c.here(path))
	return errors.Is(err, fs.ErrNotExist)
}

func (c *check) noteMissing(at fbconf.Place, path string) {
	c.note(at, path+" is not below "+c.root+", so it was not examined", "It belongs to another machine.", "put it there to have it examined")
}

// elsewhere gives the plugin's parser the options of another machine's output: paths below the root, and what stands for
// a file that is not there.
func (c *check) elsewhere(o *output, property func(key string) string) func(key string) string {
	if c.root == "" {
		return property
	}
	replaced := make(map[string]string)
	for _, key := range ofFiles {
		path := strings.Trim(strings.TrimSpace(property(key)), `"'`)
		if path == "" {
			continue
		}
		replaced[key] = c.here(path)
		if c.missing(path) {
			c.noteMissing(place(o.Section, key), path)
			replaced[key] = ""
			if key == "credentials_file" {
				replaced["password"] = "unknown#unknown"
			}
		}
	}
	if c.missing(property("tls_cert_file")) || c.missing(property("tls_key_file")) {
		replaced["tls_cert_file"], replaced["tls_key_file"] = "", "" // one without the other is refused
	}
	if property("dead_letter_file") != "" {
		replaced["dead_letter_file"] = filepath.Join(os.TempDir(), "rejected") // nothing is made; its directory is where Fluent Bit runs
	}
	return func(key string) string {
		if value, set := replaced[key]; set {
			return value
		}
		return property(key)
	}
}

// readable takes the root out of what the plugin says of a file.
func (c *check) readable(f config.Fault) config.Fault {
	if c.root != "" {
		f.Value, f.Problem = strings.ReplaceAll(f.Value, c.root, ""), strings.ReplaceAll(f.Problem, c.root, "")
	}
	return f
}
