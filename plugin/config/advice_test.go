package config

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

func TestAdviceWithoutRetry(t *testing.T) {
	c := &Config{Project: "p-one", Logstore: "l-one", Endpoints: []string{"h:1"}}
	for want, err := range map[string]error{
		"lacks log:PostLogStoreLogs":   kerr.TopicAuthorizationFailed,
		"does not exist":               kerr.UnknownTopicOrPartition,
		"no acknowledgement from h:1":  fmt.Errorf("write: %w", context.DeadlineExceeded),
		"cannot reach h:1 (TCP)":       &net.OpError{Op: "dial", Err: net.ErrClosed},
		"cannot reach h:1 (DNS): look": &net.DNSError{Err: "no such host", Name: "h"},
	} {
		if got := c.AdviceWithoutRetry(c.Logstore, err); !strings.Contains(got, want) || strings.Contains(got, "retrying") {
			t.Errorf("advice on %v: %q, want %q and no word of retrying", err, got, want)
		}
	}
}
