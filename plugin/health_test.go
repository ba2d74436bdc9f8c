package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/failure"
)

// bareOutput is an output without a client or goroutines, for its health.
func bareOutput(t *testing.T) (*Output, func() []string) {
	h := &memoryLogger{t: t}
	o := &Output{log: NewLog(h, "test"), cfg: &config.Config{
		Project: "demo-project", Logstore: "demo", Endpoints: []string{"host:10012"}, Compression: "gzip",
		MaxMessageBytes: 1000, RequestTimeout: 10 * time.Second}}
	o.health.out, o.sessions, o.settled = o, connect.NewSessions(o.cfg), func() bool { return true }
	o.logstores.open(o.cfg, func(*logstore) {})
	t.Cleanup(func() {
		o.goroutines.Wait()
		o.log.Drain()
		if h.count("internal error") > 0 {
			t.Error(h.text())
		}
	})
	return o, func() []string {
		o.log.Drain()
		lines := h.lines
		h.lines = nil
		return lines
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("lines %q, want %d", got, len(want))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("line %q, want %q in it", got[i], want[i])
		}
	}
}

func TestHealthLogsEachKindOnceAMinute(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	h := &o.health
	h.probe.running = true // no broker can be asked
	now := time.Now()
	say := func(at time.Duration, err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.noteFailureLocked(now.Add(at), "demo", err)
	}
	refused := errors.New("connection refused")
	say(0, refused)
	wantLines(t, lines(), "cannot reach host:10012 (network): connection refused; retrying [in flight: 0 chunks, 0 of 0 bytes; waiting for room: 0 chunks;")
	// Two kinds in turn, as when connections break and what comes through is refused.
	for s := range 55 {
		say(time.Duration(s)*time.Second, []error{refused, kerr.SaslAuthenticationFailed}[s%2])
		h.tick(now.Add(time.Duration(s) * time.Second))
	}
	wantLines(t, lines(), "the AccessKey is refused")
	say(59*time.Second, refused)
	h.tick(now.Add(59 * time.Second))
	wantLines(t, lines())
	h.tick(now.Add(60 * time.Second))
	wantLines(t, lines(), "cannot reach")
	h.tick(now.Add(119 * time.Second))
	wantLines(t, lines())
	h.tick(now.Add(120 * time.Second))
	wantLines(t, lines(), "cannot reach")
}

func TestHealthLogsRecovery(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	h := &o.health
	h.probe.running = true
	retrying := 0
	o.settled = func() bool { return retrying == 0 }
	h.failed("demo", kerr.KafkaStorageError)
	wantLines(t, lines(), "the service had an error (KAFKA_STORAGE_ERROR")
	failed := h.lastFailure
	h.tick(failed.Add(recoveryWindow)) // nothing arrived since
	wantLines(t, lines())
	h.setLastAck(failed.Add(time.Millisecond))
	retrying = 1
	h.tick(failed.Add(recoveryWindow)) // something did, but not all
	wantLines(t, lines())
	retrying = 0
	h.tick(failed.Add(recoveryWindow - time.Nanosecond)) // too early to tell
	wantLines(t, lines())
	h.tick(failed.Add(recoveryWindow))
	wantLines(t, lines(), "delivery works again after 3s")

	// It comes and goes within the minute: neither is said again.
	h.failed("demo", kerr.KafkaStorageError)
	h.setLastAck(h.lastFailure.Add(time.Millisecond))
	h.tick(h.lastFailure.Add(recoveryWindow))
	wantLines(t, lines())
	if h.current != 0 {
		t.Error("it should be over")
	}
}

func TestHealthOfAnIdleOutputIsProbed(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	h := &o.health
	h.probe.running = true
	h.failed("demo", kerr.TopicAuthorizationFailed)
	h.tick(h.lastFailure.Add(time.Second)) // with no credentials_file there is nothing to renew
	h.probe.succeeded = h.lastFailure.Add(-time.Second)
	h.tick(h.lastFailure.Add(recoveryWindow))
	wantLines(t, lines(), "the AccessKey is refused")
	h.probe.succeeded = h.lastFailure.Add(time.Second)
	o.live.add(&Chunk{}) // what is in flight has to arrive: the check alone does not prove it
	h.tick(h.lastFailure.Add(recoveryWindow))
	wantLines(t, lines())
	o.live = nil
	h.tick(h.lastFailure.Add(recoveryWindow))
	wantLines(t, lines(), "delivery works again")
}

func TestHealthNoticesNoAnswer(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	h := &o.health
	now := time.Now()
	limit := o.cfg.RequestTimeout + connect.RequestTimeoutOverhead
	h.tick(now)
	o.live.add(&Chunk{submitted: now})
	h.tick(now.Add(limit - time.Second))
	h.setLastAck(now.Add(time.Second))
	h.tick(now.Add(limit)) // another chunk's records were acknowledged in time
	wantLines(t, lines())
	h.tick(now.Add(limit + time.Second))
	wantLines(t, lines(), "no acknowledgement from host:10012: requests are not answered; the oldest chunk waits for 16s; retrying")
}

// The client's giving up says nothing; what it met before does.
func TestHealthFindsTheCause(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	h := &o.health
	h.failed("demo", context.DeadlineExceeded)
	wantLines(t, lines(), "cannot reach host:10012")
	h.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, kerr.SaslAuthenticationFailed)
	h.failed("demo", context.DeadlineExceeded)
	wantLines(t, lines(), "the AccessKey is refused")
}

func TestRejectsAreLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	o, lines := bareOutput(t)
	h := &o.health
	const kept = "; set dead_letter_file to keep such records"
	l := &rejects{kind: failure.Size, reason: "record too large: 2000 bytes", records: 1}
	for range 3 {
		h.logRejected("app", l, kept)
	}
	h.logRejected("app", &rejects{kind: failure.Record, reason: "malformed", records: 1}, kept)
	wantLines(t, lines(), `record of tag "app" rejected: record too large: 2000 bytes; raise max_message_bytes (1000, at most 2097152) or set oversize truncate; set dead_letter_file to keep such records`,
		"malformed; set dead_letter_file")
	h.rejectLogged[failure.Size] = time.Now().Add(-logInterval)
	h.logRejected("app", l, kept)
	wantLines(t, lines(), "(and 2 more of this kind in the last minute)")
}

// What to do about a record that is too large is not what is set already.
func TestHintOnSizeIsNotWhatIsSet(t *testing.T) {
	t.Parallel()
	const helpless = "none of its strings is so long that oversize truncate helps"
	for _, c := range []struct {
		limit    int
		oversize encoder.Oversize
		byBroker bool
		want     string
	}{
		{1000, encoder.OversizeReject, false, "; raise max_message_bytes (1000, at most 2097152) or set oversize truncate"},
		{1000, encoder.OversizeTruncate, false, "; raise max_message_bytes (1000, at most 2097152): " + helpless},
		{config.MaxMessageBytes, encoder.OversizeReject, false, "; set oversize truncate"},
		{config.MaxMessageBytes, encoder.OversizeTruncate, false, "; " + helpless + ": send less in a record"},
		{1000, encoder.OversizeReject, true, "; the broker takes less than max_message_bytes (1000): lower it, and set oversize truncate"},
		{1000, encoder.OversizeTruncate, true, "; the broker takes less than max_message_bytes (1000): lower it"},
	} {
		o, _ := bareOutput(t)
		o.cfg.MaxMessageBytes, o.cfg.Encoding.Oversize = c.limit, c.oversize
		if got := o.health.sizeHint(&rejects{kind: failure.Size, byBroker: c.byBroker}); got != c.want {
			t.Errorf("limit %d, oversize %v, by the broker %v: %q, want %q", c.limit, c.oversize, c.byBroker, got, c.want)
		}
	}
}

func (h *health) setLastAck(at time.Time) { h.lastAck.Store(&at) }
