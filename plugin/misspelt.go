package plugin

import (
	"fmt"
	"strings"
)

// foreign are keys of other tools for the same thing, as the eight samples of
// Alibaba's specification and Fluent Bit's own outputs write them.
var foreign = map[string]string{
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

// misspelt looks for keys that are one slip away from an option. The host
// cannot list what was set, only answer for a name, so each slip is asked for.
func misspelt(property func(string) string) (warnings []string) {
	known := make(map[string]bool, len(options))
	for i := range options {
		known[options[i].name] = true
	}
	for key, use := range foreign {
		if property(key) != "" {
			warnings = append(warnings, fmt.Sprintf("unknown option %s is ignored; here it is %s", key, use))
		}
		known[key] = true
	}
	for i := range options {
		name := options[i].name
		for _, slip := range slips(name) {
			if !known[slip] && property(slip) != "" {
				warnings = append(warnings, fmt.Sprintf("unknown option %s is ignored; did you mean %s?", slip, name))
			}
			known[slip] = true
		}
	}
	return warnings
}

// slips are the names at one edit from name: a letter missing, added,
// exchanged or swapped with its neighbour, and the whole without or with other
// separators.
func slips(name string) []string {
	const letters = "abcdefghijklmnopqrstuvwxyz_-."
	out := []string{
		strings.ReplaceAll(name, "_", ""), strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(name, "_", "."),
	}
	for i := range name {
		out = append(out, name[:i]+name[i+1:])
		if i+1 < len(name) {
			out = append(out, name[:i]+string(name[i+1])+string(name[i])+name[i+2:])
		}
		for _, l := range letters {
			out = append(out, name[:i]+string(l)+name[i+1:], name[:i]+string(l)+name[i:])
		}
	}
	for _, l := range letters {
		out = append(out, name+string(l))
	}
	return out
}
