package sls

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var wrongCredentials = map[string][2]string{
	"project": {"other-project", rightPassword},
	"id":      {rightUser, "other-id#demo-secret"},
	"secret":  {rightUser, "demo-id#other-secret"},
	"joint":   {rightUser, "demo-id:demo-secret"},
}

func TestWrongCredentialsAreRefusedByTheTopic(t *testing.T) {
	e := start(t, Options{})
	for name, wrong := range wrongCredentials {
		t.Run(name, func(t *testing.T) {
			client := dial(t, e, wrong[0], wrong[1])
			if err := client.Ping(timeout(t)); err != nil {
				t.Errorf("SASL: %v, want it to pass", err)
			}
			for _, topic := range []string{"demo", "demo.json", "absent"} {
				wantError(t, topic, topicError(t, client, topic), kerr.TopicAuthorizationFailed)
			}
			err := client.ProduceSync(timeout(t), record("demo", "x")).FirstErr()
			wantError(t, "produce", err, kerr.TopicAuthorizationFailed)
			all := kmsg.NewPtrMetadataRequest()
			all.Topics = nil
			resp, err := all.RequestWith(timeout(t), client)
			if err != nil || len(resp.Topics) > 0 {
				t.Errorf("all topics: %v, %d of them are named, want none", err, len(resp.Topics))
			}
		})
	}
	wantCount(t, e, "demo", 0)
}

func TestWrongCredentialsAreRefusedBySASL(t *testing.T) {
	e := start(t, Options{RefuseSASL: true})
	for name, wrong := range wrongCredentials {
		t.Run(name, func(t *testing.T) {
			wantError(t, "ping", dial(t, e, wrong[0], wrong[1]).Ping(timeout(t)), kerr.SaslAuthenticationFailed)
		})
	}
	send(t, dial(t, e, rightUser, rightPassword), record("demo", "x"))
	e.SetRefuseSASL(false)
	if err := dial(t, e, rightUser, "wrong").Ping(timeout(t)); err != nil {
		t.Errorf("after SetRefuseSASL(false): %v", err)
	}
}

func TestCredentialsRotate(t *testing.T) {
	e := start(t, Options{})
	old := dial(t, e, rightUser, rightPassword)
	send(t, old, record("demo", "x"))
	e.SetCredentials("demo-project", "new-id", "new-secret")

	err := old.ProduceSync(timeout(t), record("demo", "x")).FirstErr() // on the connection that was let in before
	wantError(t, "old credentials", err, kerr.TopicAuthorizationFailed)
	send(t, dial(t, e, "demo-project", "new-id#new-secret"), record("demo", "x"))
	wantCount(t, e, "demo", 2)

	e.SetCredentials("demo-project", "demo-id", "demo-secret")
	send(t, old, record("demo", "x"))
	wantCount(t, e, "demo", 3)

	e.SetRefuseSASL(true)
	e.SetCredentials("demo-project", "new-id", "new-secret")
	err = old.ProduceSync(timeout(t), record("demo", "x")).FirstErr()
	wantError(t, "old credentials, refusing SASL", err, kerr.SaslAuthenticationFailed)
}

func TestDeniedProduceIsAnsweredInTurn(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	broker := client.Broker(0)
	if _, err := broker.Request(timeout(t), produceRequest(t, []string{"a"})); err != nil {
		t.Fatal(err)
	}
	e.SetCredentials("demo-project", "new-id", "new-secret")
	resp, err := broker.Request(timeout(t), produceRequest(t, []string{"a"}, []string{"b"}))
	if err != nil {
		t.Fatal(err)
	}
	topic := resp.(*kmsg.ProduceResponse).Topics[0]
	if topic.Topic != "demo" || len(topic.Partitions) != 2 {
		t.Fatalf("answer %+v, want two partitions of demo", topic)
	}
	for i, p := range topic.Partitions {
		if p.Partition != int32(i) || p.ErrorCode != kerr.TopicAuthorizationFailed.Code {
			t.Errorf("partition %d: error %d in place %d", p.Partition, p.ErrorCode, i)
		}
	}
	wantCount(t, e, "demo", 1)
}

// rawClient speaks the protocol byte by byte, for what no current client sends.
type rawClient struct {
	t    *testing.T
	conn *tls.Conn
}

func dialRaw(t *testing.T, e *Endpoint) *rawClient {
	conn, err := tls.Dial("tcp", e.Addr(), trust(t, e))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &rawClient{t, conn}
}

func (c *rawClient) writeFrame(b []byte) {
	c.t.Helper()
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) readFrame() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.conn, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(c.conn, b)
	return b, err
}

func (c *rawClient) request(req kmsg.Request) kmsg.Response {
	c.t.Helper()
	c.writeFrame(kmsg.NewRequestFormatter(kmsg.FormatterClientID("raw")).AppendRequest(nil, req, 7)[4:])
	b, err := c.readFrame()
	if err != nil {
		c.t.Fatal(err)
	}
	if got := binary.BigEndian.Uint32(b); got != 7 {
		c.t.Fatalf("answer to request %d, want 7", got)
	}
	resp := req.ResponseKind()
	if err := resp.ReadFrom(b[4:]); err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// closed fails the test unless the endpoint ends the connection.
func (c *rawClient) closed(why string) {
	c.t.Helper()
	if b, err := c.readFrame(); err == nil {
		c.t.Errorf("%s: answered %q, want the connection closed", why, b)
	}
}

func handshake(version int16, mechanism string) *kmsg.SASLHandshakeRequest {
	return &kmsg.SASLHandshakeRequest{Version: version, Mechanism: mechanism}
}

func metadata(topic string) *kmsg.MetadataRequest {
	return &kmsg.MetadataRequest{Version: 1, Topics: []kmsg.MetadataRequestTopic{{Topic: &topic}}}
}

func TestOldHandshake(t *testing.T) {
	e := start(t, Options{})
	for _, test := range []struct {
		password string
		want     error
	}{{rightPassword, nil}, {"demo-id#wrong", kerr.TopicAuthorizationFailed}} {
		c := dialRaw(t, e)
		if resp := c.request(handshake(0, "PLAIN")).(*kmsg.SASLHandshakeResponse); resp.ErrorCode != 0 {
			t.Fatalf("handshake: error %d", resp.ErrorCode)
		}
		c.writeFrame([]byte("\x00" + rightUser + "\x00" + test.password))
		if b, err := c.readFrame(); err != nil || len(b) != 0 {
			t.Fatalf("token: %q, %v, want an empty answer", b, err)
		}
		resp := c.request(metadata("demo")).(*kmsg.MetadataResponse)
		wantError(t, "metadata", kerr.ErrorForCode(resp.Topics[0].ErrorCode), test.want)
	}
	e.SetRefuseSASL(true)
	c := dialRaw(t, e)
	c.request(handshake(0, "PLAIN"))
	c.writeFrame([]byte("\x00" + rightUser + "\x00wrong"))
	c.closed("wrong token")
}

func TestSASLOutOfOrder(t *testing.T) {
	e := start(t, Options{})
	c := dialRaw(t, e)
	resp := c.request(handshake(1, "SCRAM-SHA-256")).(*kmsg.SASLHandshakeResponse)
	if resp.ErrorCode != kerr.UnsupportedSaslMechanism.Code || len(resp.SupportedMechanisms) != 1 || resp.SupportedMechanisms[0] != "PLAIN" {
		t.Errorf("SCRAM: %+v, want it refused and PLAIN named", resp)
	}
	auth := &kmsg.SASLAuthenticateRequest{SASLAuthBytes: []byte("\x00u\x00p")}
	if resp := c.request(auth).(*kmsg.SASLAuthenticateResponse); resp.ErrorCode != kerr.IllegalSaslState.Code {
		t.Errorf("authenticate without handshake: error %d", resp.ErrorCode)
	}
	c.request(handshake(1, "PLAIN"))
	auth.SASLAuthBytes = []byte("no token")
	if resp := c.request(auth).(*kmsg.SASLAuthenticateResponse); resp.ErrorCode != kerr.SaslAuthenticationFailed.Code {
		t.Errorf("malformed token: error %d", resp.ErrorCode)
	}
	c.closed("after a malformed token")

	for why, frame := range map[string][]byte{
		"metadata first":  kmsg.NewRequestFormatter().AppendRequest(nil, metadata("demo"), 1)[4:],
		"produce first":   kmsg.NewRequestFormatter().AppendRequest(nil, &kmsg.ProduceRequest{Version: 7}, 1)[4:],
		"unknown request": {0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff},
		"empty request":   {},
		"HTTP":            []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		c := dialRaw(t, e)
		c.writeFrame(frame)
		c.closed(why)
	}
	c = dialRaw(t, e)
	if _, err := c.conn.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	c.closed("a request of 4 GiB")
	send(t, dial(t, e, rightUser, rightPassword, kgo.ProducerLinger(0)), record("demo", "x"))
}

// ruby-kafka's way of speaking, and so Fluentd's: no ApiVersions, SaslHandshake version 0 with the bare token, Metadata
// version 1, Produce version 3, whose batches have the producer epoch 0 and the sequence 0 though they have no producer,
// and gzip. Seen on the wire of ruby-kafka 1.5.1.
func TestRubyKafka(t *testing.T) {
	e := start(t, Options{Nodes: 1})
	for i, topic := range []string{"demo", "demo.json"} {
		login := func() *rawClient { // it makes a new connection for each of its tasks
			c := dialRaw(t, e)
			c.request(handshake(0, "PLAIN"))
			c.writeFrame([]byte("\x00" + rightUser + "\x00" + rightPassword))
			if b, err := c.readFrame(); err != nil || len(b) != 0 {
				t.Fatalf("token: %q, %v", b, err)
			}
			return c
		}
		resp := login().request(metadata(topic)).(*kmsg.MetadataResponse)
		if resp.Topics[0].ErrorCode != 0 || len(resp.Topics[0].Partitions) != 2 {
			t.Fatalf("metadata: %+v", resp.Topics[0])
		}
		raw := rubyBatch(t, `{"a":"b"}`)
		req := &kmsg.ProduceRequest{Version: 3, Acks: 1, TimeoutMillis: 5000, Topics: []kmsg.ProduceRequestTopic{{
			Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: resp.Topics[0].Partitions[0].Partition, Records: raw}},
		}}}
		c := login()
		answer := c.request(req).(*kmsg.ProduceResponse)
		if code := answer.Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Fatalf("produce: %v", kerr.ErrorForCode(code))
		}
		logs := e.Logs("demo")
		want := []Field{{"content", `{"a":"b"}`}}
		if i == 1 {
			want = []Field{{"a", "b"}}
		}
		if got := logs[len(logs)-1].Fields(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", topic, got, want)
		}
	}
	wantCount(t, e, "demo", 2)
}

// rubyBatch is a gzipped batch as ruby-kafka makes it.
func rubyBatch(t *testing.T, value string) []byte {
	t.Helper()
	raw := encodeBatch(value)
	var batch kmsg.RecordBatch
	if err := batch.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(batch.Records); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	batch.Attributes, batch.Records = 1, packed.Bytes()
	batch.Length = int32(batchHeaderBytes - 12 + packed.Len())
	batch.ProducerEpoch, batch.FirstSequence = 0, 0
	raw = batch.AppendTo(nil)
	seal(raw)
	return raw
}
