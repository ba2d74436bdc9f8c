package plugin

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

const poison = "poisoned"

// poisoned tells whether a batch of the request holds a poisoned record.
func poisoned(r kmsg.Request) (found bool) {
	d := kgo.DefaultDecompressor()
	eachBatch(r, func(b *kmsg.RecordBatch) {
		records, err := d.Decompress(b.Records, kgo.CompressionCodecType(b.Attributes&7))
		found = found || err != nil || bytes.Contains(records, []byte(poison))
	})
	return found
}

func compressed(r kmsg.Request) (found bool) {
	eachBatch(r, func(b *kmsg.RecordBatch) { found = found || b.Attributes&7 != 0 })
	return found
}

// A batch is refused permanently because of one record in it. That record
// alone is rejected, and its neighbours, of its chunk and of others, are stored.
func TestFaultRefusedForOneRecord(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  *kerr.Error
		line string
	}{
		{kerr.MessageTooLarge, "a batch is larger than the broker accepts"},
		{kerr.RecordListTooLarge, "a batch is larger than the broker accepts"},
		{kerr.InvalidRecord, "the broker refuses a record"},
		{kerr.InvalidTimestamp, "the broker refuses a record"},
		{kerr.CorruptMessage, "the service had an error"},
		{kerr.UnknownServerError, "the service had an error"},
		{kerr.UnsupportedForMessageFormat, "the broker refuses a record"},
		{kerr.UnsupportedCompressionType, "the broker refuses compression gzip"},
	} {
		t.Run(row.err.Message, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			properties["dead_letter_file"] = filepath.Join(t.TempDir(), "letters")
			o, h := network.startOutput(t, properties)
			l := newLoad(t, o, e)
			e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: row.err, Count: -1, When: poisoned})
			const chunks, n = 5, 300
			for i := range chunks {
				chunk := events(l.sent, n, "hello")
				if i == 2 {
					chunk = append(events(l.sent, n/2, "hello"), events(l.sent+n/2, 1, poison)...)
					chunk = append(chunk, events(l.sent+n/2+1, n/2-1, "hello")...)
				}
				l.add(chunk, n)
			}
			l.wantStoredBesides(1, 0)
			wantRecovery(t, h, row.line, row.err.Message)
			h.wait(`record of tag "test.tag" rejected`, row.err.Message, "kept in")
			if got := o.stats.rejected.Load(); got != 1 {
				t.Errorf("%d records rejected, want 1", got)
			}
			lines := readDeadLetters(t, properties["dead_letter_file"])
			if len(lines) != 1 || !strings.Contains(lines[0].Record, poison) || lines[0].KafkaError != row.err.Message {
				t.Errorf("dead letters %+v", lines)
			}
		}))
	}
}

// A broker that refuses the codec gets everything uncompressed.
func TestFaultCodecRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		l := newLoad(t, o, e)
		e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnsupportedCompressionType, Count: -1, When: compressed})
		l.send(4, 300)
		l.wantStored(0, 0)
		h.wait("the broker refuses compression gzip", "UNSUPPORTED_COMPRESSION_TYPE", "sending uncompressed for ten minutes")
		if got := o.stats.rejected.Load(); got != 0 {
			t.Errorf("%d records rejected, want 0", got)
		}
	})
}

// The broker's limit is below max_message_bytes: what it cannot take is
// rejected, the rest is stored in smaller batches.
func TestFaultBrokerLimitBelowOurs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{BrokerConfigs: map[string]string{"message.max.bytes": "20000"}})
		properties["compression"] = "none"
		o, h := network.startOutput(t, properties)
		l := newLoad(t, o, e)
		l.add(events(l.sent, 500, strings.Repeat("x", 500)), 500)
		l.add(events(l.sent, 2, strings.Repeat("y", 30000)), 2)
		l.add(events(l.sent, 500, strings.Repeat("z", 500)), 500)
		l.wantStored(2, 0)
		h.wait("rejected", "MESSAGE_TOO_LARGE", "lower it, and set oversize truncate")
		if got := o.stats.rejected.Load(); got != 2 {
			t.Errorf("%d records rejected, want 2", got)
		}
	})
}

// deadLetterLine is a line of dead_letter_file as its readers decode it.
type deadLetterLine struct {
	Time, Tag, Logstore, Reason string
	KafkaError                  string `json:"kafka_error"`
	Record                      string
	RecordBase64                string `json:"record_base64"`
}

func readDeadLetters(t *testing.T, file string) (lines []deadLetterLine) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("secret")) {
		t.Error("a secret among the dead letters")
	}
	for line := range bytes.Lines(b) {
		var l deadLetterLine
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v in line %q", err, line)
		}
		lines = append(lines, l)
	}
	return lines
}
