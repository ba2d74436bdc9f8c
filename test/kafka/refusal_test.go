//go:build kafka

package kafka

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const (
	// topicLimit is the max.message.bytes of a topic that takes less than the
	// plugin's max_message_bytes; Kafka compares it with a batch as sent.
	topicLimit = "60000"
	// oversized is more than that in a record, and less than the plugin's own limit.
	oversized = 100_000
)

// oversizedNow and then makes every 997th event too large for the topic.
func oversizedNowAndThen(seq int) int {
	if seq%997 == 500 {
		return oversized
	}
	return 0
}

// TestTooLarge has the broker refuse whole batches for a record in them: those
// records alone may be rejected, and their neighbours land.
func TestTooLarge(t *testing.T) {
	p := createTopic(t, "too-large", "max.message.bytes", topicLimit)
	letters := filepath.Join(t.TempDir(), "letters")
	out, h := startOutput(t, "too-large", options{"compression": "none", "required_acks": "all", "dead_letter_file": letters})
	l := deliver(t, out, 100, oversizedNowAndThen)
	rejected := rejectedFor(t, letters, "MESSAGE_TOO_LARGE")
	p.check("topic takes less than the plugin sends", l, rejected).once(t)
	for seq := range l.sent() {
		if tooLarge := oversizedNowAndThen(seq) > 0; tooLarge != rejected[seq] {
			t.Errorf("record %d: too large %v, rejected %v", seq, tooLarge, rejected[seq])
		}
	}
	h.untilLogged("MESSAGE_TOO_LARGE", "max_message_bytes")
	h.untilLogged("rejected", letters)
}

// rejectedFor reads the dead letters: the sequence numbers of the records in
// them. Each must name the Kafka error given.
func rejectedFor(t *testing.T, path, kafkaError string) map[int]bool {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rejected := make(map[int]bool)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var letter struct {
			Error  string `json:"kafka_error"`
			Record string `json:"record"`
		}
		if err := json.Unmarshal(lines.Bytes(), &letter); err != nil {
			t.Fatalf("dead letter %.200q: %v", lines.Text(), err)
		}
		seq, err := numberOf([]byte(letter.Record))
		if err != nil {
			t.Fatal(err)
		}
		if letter.Error != kafkaError {
			t.Errorf("dead letter of record %d names %q, want %q", seq, letter.Error, kafkaError)
		}
		if rejected[seq] {
			t.Errorf("record %d was rejected twice", seq)
		}
		rejected[seq] = true
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rejected
}

// accessLost is what the log says of a refused AccessKey.
var accessLost = []string{"AccessKey", "log:PostLogStoreLogs", "project " + project, "retrying"}

// TestRightsTakenAway takes the right to write away under load and gives it back.
func TestRightsTakenAway(t *testing.T) {
	p := createTopic(t, "rights")
	out, h := startOutput(t, "rights", options{"required_acks": "all"})
	l := startLoad(t, out, usual)
	l.untilDone(40)
	p.deny()
	h.untilLogged(append(accessLost, "TOPIC_AUTHORIZATION_FAILED", "logstore rights")...)
	l.untilWaiting(60)
	p.allow()
	h.untilLogged("delivery works again")
	l.untilDone(20)
	l.stop()
	p.check("right to write taken away and given back", l, nil).once(t)
}

// TestWrongPassword starts with a wrong AccessKey and corrects it under load.
func TestWrongPassword(t *testing.T) {
	p := createTopic(t, "password")
	credentials := filepath.Join(t.TempDir(), "credentials")
	write := func(joined string) {
		t.Helper()
		if err := os.WriteFile(credentials, []byte(joined), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(accessID + "#wrong")
	out, h := startOutput(t, "password", options{"required_acks": "all",
		"access_key_id": "", "access_key_secret": "", "credentials_file": credentials})
	l := startLoad(t, out, usual)
	h.untilLogged(append(accessLost, "SASL_AUTHENTICATION_FAILED", "logstore password")...)
	l.untilWaiting(60)
	write(accessID + "#" + accessKey)
	h.untilLogged("delivery works again")
	l.untilDone(20)
	l.stop()
	p.check("wrong AccessKey at start, corrected", l, nil).once(t)
}
