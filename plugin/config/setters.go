package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kversion"

	"out_sls_kafka/encoder"
)

// reservedKeys must not be names of fields in SLS.
// Source: "Log", SLS basic concepts, Alibaba Cloud documentation (2021).
var reservedKeys = []string{"__time__", "__source__", "__topic__", "__partition_time__", "_extract_others_", "__extract_others__"}

func text(p func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *p(c) = v; return nil }
}

func pattern(re *regexp.Regexp, p func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if *p(c) = v; !re.MatchString(v) {
			return errors.New("not a valid name")
		}
		return nil
	}
}

func field(p func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		for _, r := range reservedKeys {
			if v == r {
				return errors.New("reserved by SLS")
			}
		}
		if *p(c) = v; len(v) > 128 {
			return errors.New("too long")
		}
		return nil
	}
}

func accessor(p func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*p(c) = v
		return encoder.ValidAccessor(v)
	}
}

func toggle(f func(*Config, bool)) func(*Config, string) error {
	return func(c *Config, v string) error {
		on, err := parseBool(v)
		f(c, on)
		return err
	}
}

func word(f func(*Config, int), words ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		i, err := parseWord(v, words...)
		f(c, i)
		return err
	}
}

func size(min, max int64, f func(*Config, int64)) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := parseSize(v, min, max)
		f(c, n)
		return err
	}
}

func duration(min, max time.Duration, p func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*p(c), err = parseDuration(v, min, max)
		return err
	}
}

func setLogstore(c *Config, v string) error {
	c.Logstore, c.jsonSuffix = strings.CutSuffix(v, ".json")
	if !ValidLogstore.MatchString(c.Logstore) {
		return errors.New("not a valid name")
	}
	return nil
}

func setNetwork(c *Config, v string) error {
	_, err := parseWord(v, "internet", "intranet")
	c.network = strings.ToLower(v)
	return err
}

func setAccessKeyID(c *Config, v string) error {
	if c.AccessKeyID = v; strings.Contains(v, "#") {
		return errors.New("it holds a #: for id#secret use password")
	}
	return nil
}

func setPassword(c *Config, v string) error {
	c.Password = Secret(v)
	return checkIDSecret(v)
}

// checkIDSecret checks that v has the form id#secret. Its error does not show v.
func checkIDSecret(v string) error {
	id, secret, found := strings.Cut(v, "#")
	if !found || id == "" || secret == "" {
		return errors.New("not of the form id#secret")
	}
	return nil
}

func setParseJSON(c *Config, v string) (err error) {
	c.ParseJSON, err = parseBool(v)
	return err
}

func setFormat(c *Config, v string) error {
	i, err := parseWord(v, "json", "raw")
	if c.formatRaw = i == 1; c.formatRaw {
		c.Encoding.Format = encoder.FormatRaw
	}
	return err
}

func setCompression(c *Config, v string) error {
	words := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	i, err := parseWord(v, words...)
	c.Compression = words[i]
	return err
}

func setLevel(c *Config, v string) (err error) {
	if c.CompressionLevel, err = strconv.Atoi(v); err != nil {
		return errors.New("not a number")
	}
	return nil
}

func setAcks(c *Config, v string) error {
	switch strings.ToLower(v) {
	case "1":
		c.RequiredAcks = AcksLeader
	case "all", "-1":
		c.RequiredAcks = AcksAll
	default:
		return errors.New("not one of the words known here")
	}
	return nil
}

func setKafkaVersion(c *Config, v string) error {
	if strings.EqualFold(v, "latest") {
		c.KafkaVersion = nil
		return nil
	}
	versions := kversion.FromString(v)
	if versions == nil {
		return errors.New("not a Kafka version known here")
	}
	var major, minor int
	if _, err := fmt.Sscanf(strings.TrimPrefix(v, "v"), "%d.%d", &major, &minor); err != nil || major < 2 || major == 2 && minor < 1 {
		return errors.New("older than SLS speaks")
	}
	c.KafkaVersion = versions
	return nil
}
