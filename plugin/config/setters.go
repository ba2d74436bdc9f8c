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

// reservedKeys must not be names of fields in SLS; __tag__: stands for all that begin
// so. Sources: "Log", SLS basic concepts (2021), which also gives maxKeyBytes, and
// "Reserved fields" (alibabacloud.com/help/en/sls/reserved-fields, 2026), Alibaba Cloud
// documentation.
var reservedKeys = []string{"__time__", "__source__", "__topic__", "__partition_time__", "_extract_others_", "__extract_others__", "__tag__:"}

// maxKeyBytes is the length of the longest key that SLS documents.
const maxKeyBytes = 128

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
		reserved := encoder.ReservedKeys{Names: reservedKeys}
		if reserved.Match(v) {
			return errors.New("reserved by SLS")
		}
		if *p(c) = v; len(v) > maxKeyBytes {
			return errors.New("too long")
		}
		return nil
	}
}

func setMessageKeyField(c *Config, v string) error {
	c.Encoding.KeyField = v
	_, err := encoder.ParseTemplate(v)
	return err
}

// setLogstoreKey also refuses text with which no name of a logstore can be made, whatever
// the accessors give.
func setLogstoreKey(c *Config, v string) error {
	c.Encoding.RouteField = v
	t, err := encoder.ParseTemplate(v)
	if err != nil {
		return err
	}
	const shortest = 3
	value := strings.Repeat("a", max(1, shortest-len(t.With(""))))
	if !ValidLogstore.MatchString(t.With(value)) {
		return fmt.Errorf("with this text it is never the name of a logstore: %s", logstoreForm)
	}
	return nil
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

func count(min, max int, f func(*Config, int)) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return errors.New("not a number")
		}
		if n < min || n > max {
			return errors.New("out of range")
		}
		f(c, n)
		return nil
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

// setRegion takes a region in any case, as endpoints are.
func setRegion(c *Config, v string) error {
	return pattern(regionName, func(c *Config) *string { return &c.region })(c, strings.ToLower(v))
}

// setHealthcheck takes what a switch takes, too: YAML has true where a person reads on.
func setHealthcheck(c *Config, v string) error {
	if on, err := parseBool(v); err == nil {
		if c.Healthcheck = HealthcheckOff; on {
			c.Healthcheck = HealthcheckOn
		}
		return nil
	}
	_, err := parseWord(v, "require")
	c.Healthcheck = HealthcheckRequire
	return err
}

func setNetwork(c *Config, v string) error {
	_, err := parseWord(v, "internet", "intranet")
	c.network = strings.ToLower(v)
	return err
}

func setAccessKeyID(c *Config, v string) error {
	c.AccessKeyID = v
	return checkAccessKeyID(v)
}

func setPassword(c *Config, v string) error {
	c.Password = Secret(v)
	return checkIDSecret(v)
}

// checkIDSecret finds what SLS would refuse with no more than "the AccessKey is wrong".
// Its errors never show what is in v.
func checkIDSecret(v string) error {
	if err := checkQuotes(v); err != nil {
		return err
	}
	id, secret, found := strings.Cut(v, "#")
	switch {
	case strings.ContainsAny(v, "\r\n"):
		return errors.New("more than one line")
	case !found || id == "" || secret == "":
		return errors.New("not of the form id#secret")
	}
	return checkAccessKeyID(id)
}

const byteOrderMark = "\ufeff"

// checkAccessKeyID refuses temporary pairs: with them goes a security token, for which
// SASL PLAIN has no place.
func checkAccessKeyID(id string) error {
	switch {
	case strings.Contains(id, "#"):
		return errors.New("it holds a #: for id#secret use password")
	case strings.HasPrefix(id, "STS."):
		return errors.New("of a temporary pair (STS), which the Kafka endpoint does not take: use the pair of a RAM user")
	}
	return checkQuotes(id)
}

func checkQuotes(v string) error {
	switch {
	case strings.HasPrefix(v, byteOrderMark):
		return errors.New("begins with a byte order mark: save it as UTF-8 without one")
	case len(v) > 1 && strings.ContainsAny(v[:1], `"'`) && v[0] == v[len(v)-1]:
		return errors.New("in quotes, which would count as part of it")
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
	case "0":
		return errors.New("a broker that does not answer cannot report a loss")
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
