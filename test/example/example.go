// Package example makes the shipped fluent-bit.conf.example run against a
// local endpoint instead of SLS.
package example

import (
	"errors"
	"fmt"
	"strings"
)

// region is the line of the example that says where SLS is.
const region = "    region                    ${SLS_REGION}\n"

// ErrChanged says that the example no longer has the line this package replaces.
var ErrChanged = errors.New("fluent-bit.conf.example has no region line as expected")

// Config returns the text of the example with the region replaced by endpoint,
// a host:port, whose certificate caFile vouches for.
func Config(text, endpoint, caFile string) (string, error) {
	before, after, found := strings.Cut(text, region)
	if !found {
		return "", ErrChanged
	}
	local := fmt.Sprintf("    endpoint                  %s\n    tls_ca_file               %s\n", endpoint, caFile)
	return before + local + after, nil
}
