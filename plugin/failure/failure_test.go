package failure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Every code that the client knows is in the table.
func TestEveryKafkaErrorHasAClass(t *testing.T) {
	known := 0
	for code := int16(-1); code < 1000; code++ {
		err := kerr.TypedErrorForCode(code)
		if err == nil || err.Code != code { // success, or a code that the client does not know
			continue
		}
		known++
		if v, ok := classes[code]; !ok || v.Action == 0 || v.Kind == 0 || v.Scope == 0 {
			t.Errorf("%s (%d) is not in the error table", err.Message, code)
		}
	}
	if known < 130 || known != len(classes) {
		t.Errorf("%d codes known to the client, %d in the table", known, len(classes))
	}
}

// Metrics have a series for each kind, which a name tells from the others.
func TestEveryKindHasAName(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range AllKinds() {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d has the name %q, which is empty or another kind's", k, name)
		}
		seen[k.String()] = true
	}
	if len(seen) != Kinds-1 || !seen[File.String()] {
		t.Errorf("%d names for %d kinds", len(seen), Kinds-1)
	}
}

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Class
	}{
		{&tls.CertificateVerificationError{}, Class{Retry, TLS, Broker}},
		{kerr.TopicAuthorizationFailed, Class{Retry, Access, Topic}},
		{kerr.SaslAuthenticationFailed, Class{Retry, Access, Topic}},
		{kerr.UnknownTopicOrPartition, Class{Retry, NotFound, Topic}},
		{kerr.KafkaStorageError, Class{Retry, Service, Partition}},
		{kerr.NetworkException, Class{Retry, Network, Partition}},
		{kerr.CorruptMessage, Class{Retry, Service, Partition}},
		{kerr.NotLeaderForPartition, Class{Retry, Leader, Partition}},
		{kerr.ThrottlingQuotaExceeded, Class{Retry, Quota, Partition}},
		{kerr.InvalidRecord, Class{Split, Record, Topic}},
		{fmt.Errorf("wrapped: %w", kerr.MessageTooLarge), Class{Split, Size, Topic}},
		{&kerr.Error{Message: "FROM_THE_FUTURE", Code: 9999}, Class{Retry, Service, Partition}},
		{fmt.Errorf("%w: x", ErrFile), Class{Retry, File, Broker}},
		{io.EOF, Class{Retry, Network, Broker}},
		{kerr.RequestTimedOut, Class{Retry, NoAnswer, Partition}},
		{fmt.Errorf("%w: %w", ErrNoAnswer, os.ErrDeadlineExceeded), Class{Retry, NoAnswer, Broker}},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, Class{Retry, Network, Broker}},
		{&net.DNSError{}, Class{Retry, Network, Broker}},
		{errors.New("anything else"), Class{Retry, Network, Broker}},
	} {
		if got := Of(tt.err); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.err, got, tt.want)
		}
	}
}
