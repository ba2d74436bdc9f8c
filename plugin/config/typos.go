package config

import (
	"fmt"
	"strings"
)

// otherNames are keys of other tools for the same thing, as the eight samples of
// Alibaba's specification and Fluent Bit's own outputs write them.
var otherNames = map[string]string{
	"brokers":                   "endpoint",
	"topics":                    "logstore",
	"topic":                     "logstore",
	"topic_key":                 "logstore_key",
	"rdkafka.sasl.username":     "project",
	"rdkafka.sasl.password":     "password",
	"sasl_username":             "project",
	"sasl_password":             "password",
	"username":                  "project",
	"access_key":                "access_key_id and access_key_secret",
	"accesskey":                 "access_key_id and access_key_secret",
	"secret":                    "access_key_secret",
	"secret_key":                "access_key_secret",
	"timestamp_key":             "time_key",
	"timestamp_format":          "time_format",
	"raw_log_key":               "raw_key",
	"log_key":                   "raw_key",
	"queue_full_retries":        "buffer_limit",
	"acks":                      "required_acks",
	"rdkafka.compression.codec": "compression",
	"compress":                  "compression",
	"ssl_ca_file":               "tls_ca_file",
	"ca_file":                   "tls_ca_file",
}

// Equivalent names the option that does here what key, in lower case, does in
// another tool. It is "" for a key it does not know.
func Equivalent(key string) string { return otherNames[key] }

// typos looks for keys that are one edit away from an option. The host cannot list
// the keys that were set, only answer for a name. So it is asked for each edit, of
// which there are tens of thousands, and none is kept.
func typos(property func(string) string) (warnings []string) {
	known := make(map[string]bool, len(options)+len(otherNames))
	for i := range options {
		known[options[i].name] = true
	}
	for key, use := range otherNames {
		if property(key) != "" {
			warnings = append(warnings, fmt.Sprintf("unknown option %s is ignored; here it is %s", key, use))
		}
		known[key] = true
	}
	for i := range options {
		name := options[i].name
		edits(name, func(typo string) {
			if property(typo) != "" && !known[typo] {
				warnings = append(warnings, fmt.Sprintf("unknown option %s is ignored; did you mean %s?", typo, name))
				known[typo] = true
			}
		})
	}
	return warnings
}

// edits calls f with the names at one edit from name: a letter missing, added,
// exchanged or swapped with its neighbour, and the whole without or with other
// separators.
func edits(name string, f func(string)) {
	const letters = "abcdefghijklmnopqrstuvwxyz_-."
	for _, separator := range []string{"", "-", "."} {
		f(strings.ReplaceAll(name, "_", separator))
	}
	for i := range len(name) + 1 {
		before, after := name[:i], name[i:]
		for j := range letters {
			f(before + letters[j:j+1] + after)
		}
		if after == "" {
			continue
		}
		f(before + after[1:])
		for j := range letters {
			f(before + letters[j:j+1] + after[1:])
		}
		if len(after) > 1 {
			f(before + after[1:2] + after[:1] + after[2:])
		}
	}
}
