package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// unquote removes the blanks and one pair of quotes around a value: Fluent Bit passes
// the quotes of a classic configuration file on.
func unquote(v string) string {
	v = strings.TrimSpace(v)
	if n := len(v); n >= 2 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] {
		v = v[1 : n-1]
	}
	return v
}

func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "on", "true", "yes":
		return true, nil
	case "off", "false", "no":
		return false, nil
	}
	return false, errors.New("not a switch")
}

// parseSize parses a number of bytes between min and max. K, M or G, powers of 1024,
// may follow, with or without a B.
func parseSize(v string, min, max int64) (int64, error) {
	digits := strings.TrimRight(v, "kKmMgGbB")
	var shift uint
	switch strings.ToUpper(v[len(digits):]) {
	case "", "B":
	case "K", "KB":
		shift = 10
	case "M", "MB":
		shift = 20
	case "G", "GB":
		shift = 30
	default:
		return 0, errors.New("not a size")
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, errors.New("not a size")
	}
	if n <<= shift; n < min || n > max {
		return 0, fmt.Errorf("%d bytes is out of range", n)
	}
	return n, nil
}

func parseDuration(v string, min, max time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		if _, e := strconv.ParseFloat(v, 64); e == nil {
			return 0, errors.New("the unit is missing")
		}
		return 0, errors.New("not a duration")
	}
	if d < min || d > max {
		return 0, fmt.Errorf("%v is out of range", d)
	}
	return d, nil
}

// parseWord returns the index of v among the words, in upper or lower case.
func parseWord(v string, words ...string) (int, error) {
	for i, w := range words {
		if strings.EqualFold(v, w) {
			return i, nil
		}
	}
	return 0, errors.New("not one of the words known here")
}
