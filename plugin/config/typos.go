package config

import (
	"fmt"
	"strings"
)

// otherNames are the options of other tools that correspond to ours: those of the
// eight samples in Alibaba's specification, of Fluent Bit's own outputs, and of Alibaba's
// output aliyun_sls.
var otherNames = map[string]string{
	"brokers":                   "endpoint",
	"topics":                    "logstore",
	"topic":                     "logstore; SLS's __topic__ cannot be set over Kafka",
	"source":                    "a field that a filter adds; SLS's __source__ cannot be set over Kafka",
	"hash_key":                  "partitioner key_hash with message_key_field",
	"security_token":            "not possible: the Kafka endpoint takes no temporary pair",
	"include_tag_key":           "tag_key with the name of the field",
	"linger_ms":                 "linger",
	"rdkafka.linger.ms":         "linger",
	"rdkafka.message.max.bytes": "max_message_bytes",
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

// Equivalent returns the option that corresponds to a key of another tool, in lower
// case. It is "" for a key that is not known.
func Equivalent(key string) string { return otherNames[key] }

// typos looks for keys that are one edit away from an option. The host cannot list
// the keys that were set, only answer for a name. So it is asked for each edit. There
// are tens of thousands of edits, so they are not stored.
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

// edits calls f with the names that are one edit away from name: with a letter
// missing, added, replaced or swapped with the next one, and with no separators or
// other ones.
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
