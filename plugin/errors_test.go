package plugin

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Every code the client knows must have been thought of.
func TestEveryKafkaErrorHasAVerdict(t *testing.T) {
	known := 0
	for code := int16(-1); code < 1000; code++ {
		err := kerr.TypedErrorForCode(code)
		if err == nil || err.Code != code { // none, or a code nobody has
			continue
		}
		known++
		if v, ok := verdicts[code]; !ok || v.action == 0 || v.trouble == 0 {
			t.Errorf("%s (%d) is not in the error table", err.Message, code)
		}
	}
	if known < 130 || known != len(verdicts) {
		t.Errorf("%d codes known to the client, %d in the table", known, len(verdicts))
	}
}

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want verdict
	}{
		{kerr.TopicAuthorizationFailed, verdict{again, troubleAccess}},
		{kerr.SaslAuthenticationFailed, verdict{again, troubleAccess}},
		{kerr.UnknownTopicOrPartition, verdict{again, troubleUnknown}},
		{kerr.KafkaStorageError, verdict{again, troubleService}},
		{kerr.NetworkException, verdict{again, troubleNetwork}},
		{kerr.CorruptMessage, verdict{takeApart, troubleData}},
		{fmt.Errorf("wrapped: %w", kerr.MessageTooLarge), verdict{takeApart, troubleSize}},
		{&kerr.Error{Message: "FROM_THE_FUTURE", Code: 9999}, verdict{again, troubleService}},
		{io.EOF, verdict{again, troubleNetwork}},
		{kerr.RequestTimedOut, verdict{again, troubleSilence}},
		{unanswered(&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), verdict{again, troubleSilence}},
		{unanswered(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), verdict{again, troubleNetwork}},
		{&net.DNSError{}, verdict{again, troubleNetwork}},
		{errors.New("anything else"), verdict{again, troubleNetwork}},
	} {
		if got := classify(tt.err); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.err, got, tt.want)
		}
	}
}
