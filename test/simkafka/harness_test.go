package simkafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/simnet"
)

// bench is a cluster of two nodes with a topic "demo" of two partitions, and a
// client that tries everything once.
type bench struct {
	*Cluster
	t       *testing.T
	network *simnet.Network
	client  *kgo.Client
	broken  string // what Broken is to say at the end
}

// bubble runs a test of a cluster in fake time, and checks at its end that the
// client sent nothing it must not send.
func bubble(o Options, test func(b *bench), more ...kgo.Opt) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o.Nodes = 2
			n := simnet.New()
			c, err := Start(n, o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.AddTopic("demo", 2)
			b := &bench{Cluster: c, t: t, network: n}
			b.client = b.connect(more...)
			defer b.client.Close()
			test(b)
			if what := c.Broken(); what != b.broken {
				t.Errorf("broken: %q, want %q", what, b.broken)
			}
		})
	}
}

// connect makes a client with more options.
func (b *bench) connect(more ...kgo.Opt) *kgo.Client {
	b.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Addr()),
		kgo.Dialer(b.dial),
		kgo.DisableIdempotentWrite(),
		kgo.DisableClientMetrics(),
		kgo.RequestRetries(0),
		kgo.RequestTimeoutOverhead(10 * time.Second),
		kgo.ProduceRequestTimeout(time.Second),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, more...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

// dial gives up after 10 s, which the client leaves to the dialer.
func (b *bench) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return b.network.Dial(ctx, network, address)
}

// value is the value of a record.
func value(chunk, index int) string { return fmt.Sprintf(`{"id":%d,"log":"hello"}`, chunk*1e6+index) }

// batch makes a record batch of values, written at a time.
func batch(at time.Time, values ...string) []byte {
	var records []byte
	for i, v := range values {
		r := kmsg.Record{OffsetDelta: int32(i), Value: []byte(v)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		records = r.AppendTo(records)
	}
	b := kmsg.NewRecordBatch()
	b.PartitionLeaderEpoch, b.Magic, b.ProducerID, b.ProducerEpoch, b.FirstSequence = -1, 2, -1, -1, -1
	b.FirstTimestamp, b.MaxTimestamp = at.UnixMilli(), at.UnixMilli()
	b.NumRecords, b.LastOffsetDelta = int32(len(values)), int32(len(values)-1)
	b.Records = records
	return seal(b.AppendTo(nil))
}

// seal writes a batch's length and checksum.
func seal(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-lengthEnd))
	binary.BigEndian.PutUint32(raw[checksumEnd-4:], crc32.Checksum(raw[checksumEnd:], castagnoli))
	return raw
}

// write sends a batch to a partition, by way of a node.
func (b *bench) write(node int, topic string, partition int32, raw []byte) (kmsg.ProduceResponseTopicPartition, error) {
	answer, err := request(topic, partition, raw).RequestWith(b.t.Context(), b.client.Broker(node))
	if err != nil {
		return kmsg.ProduceResponseTopicPartition{}, err
	}
	return answer.Topics[0].Partitions[0], nil
}

func request(topic string, partition int32, raw []byte) *kmsg.ProduceRequest {
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis = 1, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, raw
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	return r
}

// wrote is what a client learns of a batch for partition 0 of demo.
func (b *bench) wrote(values ...string) string {
	p, err := b.write(0, "demo", 0, batch(time.Now(), values...))
	return outcome(p.ErrorCode, err)
}

// outcome is an error in a word or two.
func outcome(code int16, err error) string {
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case err != nil:
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			return "no answer"
		}
		return err.Error()
	case code != 0:
		return kerr.TypedErrorForCode(code).Message
	}
	return "ok"
}

// seen is what metadata says about a topic: its leaders, or an error.
func (b *bench) seen(topic string) string {
	r := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	r.Topics = append(r.Topics, t)
	answer, err := r.RequestWith(b.t.Context(), b.client.Broker(0))
	if err != nil {
		return outcome(0, err)
	}
	topics := answer.Topics
	if len(topics) == 0 {
		return "nothing"
	}
	if code := topics[0].ErrorCode; code != 0 {
		return outcome(code, nil)
	}
	var words []string
	for _, p := range topics[0].Partitions {
		word := fmt.Sprint(p.Leader)
		if p.ErrorCode != 0 {
			word += " " + outcome(p.ErrorCode, nil)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// account is what became of a chunk of one record.
func (b *bench) account(chunk int) (landed, answered int) {
	b.Account(chunk, func(a *Account) { landed, answered = int(a.Landed[0]), int(a.Answered[0]) })
	return landed, answered
}
