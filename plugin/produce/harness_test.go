package produce

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// options are those of a producer of small batches.
func options() Options {
	return Options{
		Compression: "none", Level: -1, Acks: 1, MaxBatchBytes: 10_000, MaxRequestBytes: 1 << 20, Linger: 5 * time.Millisecond, Timeout: 10 * time.Second,
		Backoff: func(failures int) time.Duration { return min(time.Second<<min(failures-1, 10), 30*time.Second) },
	}
}

// inFakeTime runs f in a bubble with a producer on a fake cluster, which is
// closed in the end; no panic may have been contained.
func inFakeTime(t *testing.T, o Options, f func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, obs := newFakeCluster(), &fakeObserver{}
		p, err := New(o, c, obs)
		if err != nil {
			t.Fatal(err)
		}
		f(t, p, c, obs)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(obs.panics) > 0 {
			t.Errorf("contained: %v", obs.panics)
		}
	})
}

// fakeCluster is Kafka as the producer knows it. Each answer takes 10 ms.
type fakeCluster struct {
	begin time.Time

	mu            sync.Mutex
	leaders       map[string][]int32 // of each topic, by partition; -1: none
	refuse        func(topic string, partition int32, values []string) *kerr.Error
	noAnswer      func(broker int32) error          // that no answer comes
	breaks        func(r *kmsg.ProduceRequest) bool // that a request ends its connection
	emptyAnswers  int                               // answers that leave everything out, though nothing is stored
	names         []int32                           // the records that each refusal names, by their place in the batch
	noMetadata    error                             // of each metadata request; nil: none
	inflight      map[int32]bool                    // brokers that have a request
	stored        []storedRecord
	produceTimes  []time.Duration // when each request came, since begin
	metadataTimes []time.Duration
}

type storedRecord struct {
	topic     string
	partition int32
	key       string
	value     string
}

func newFakeCluster() *fakeCluster {
	return &fakeCluster{begin: time.Now(), leaders: map[string][]int32{"logs": {0}}, inflight: make(map[int32]bool)}
}

// set changes the cluster while the producer uses it.
func (c *fakeCluster) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *fakeCluster) Produce(ctx context.Context, broker int32, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error) {
	c.set(func() {
		if c.inflight[broker] || r.Acks == 0 || r.TimeoutMillis <= 0 {
			panic(fmt.Sprintf("a second request of broker %d, or no acks (%d) or time (%d)", broker, r.Acks, r.TimeoutMillis))
		}
		c.inflight[broker] = true
	})
	defer c.set(func() { delete(c.inflight, broker) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * time.Millisecond):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.produceTimes = append(c.produceTimes, time.Since(c.begin)-10*time.Millisecond)
	if c.noAnswer != nil {
		if err := c.noAnswer(broker); err != nil {
			return nil, err
		}
	}
	if c.breaks != nil && c.breaks(r) {
		return nil, io.EOF
	}
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	if c.emptyAnswers > 0 {
		c.emptyAnswers--
		return answer, nil
	}
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, c.store(broker, t.Topic, p.Partition, p.Records)
			for _, n := range c.names {
				if partition.ErrorCode != 0 {
					named := kmsg.NewProduceResponseTopicPartitionErrorRecord()
					named.RelativeOffset = n
					partition.ErrorRecords = append(partition.ErrorRecords, named)
				}
			}
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer, nil
}

// store keeps the records of a batch, or returns the code of why not.
func (c *fakeCluster) store(broker int32, topic string, partition int32, wire []byte) int16 {
	leaders := c.leaders[topic]
	if int(partition) >= len(leaders) {
		return kerr.UnknownTopicOrPartition.Code
	}
	if leaders[partition] != broker {
		return kerr.NotLeaderForPartition.Code
	}
	records, err := readBatch(wire)
	if err != nil {
		return kerr.CorruptMessage.Code
	}
	var values []string
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	if c.refuse != nil {
		if err := c.refuse(topic, partition, values); err != nil {
			return err.Code
		}
	}
	for _, r := range records {
		c.stored = append(c.stored, storedRecord{topic, partition, string(r.Key), string(r.Value)})
	}
	return 0
}

// readBatch is how the protocol's own code reads a batch.
func readBatch(wire []byte) ([]kmsg.Record, error) {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(wire); err != nil {
		return nil, err
	}
	src, err := kgo.DefaultDecompressor().Decompress(b.Records, kgo.CompressionCodecType(b.Attributes&7))
	if err != nil {
		return nil, err
	}
	records := make([]kmsg.Record, b.NumRecords)
	for i := range records {
		length, n := binary.Varint(src)
		if n <= 0 || int(length) > len(src)-n {
			return nil, io.ErrUnexpectedEOF
		}
		if err := records[i].ReadFrom(src[:n+int(length)]); err != nil {
			return nil, err
		}
		src = src[n+int(length):]
	}
	return records, nil
}

func (c *fakeCluster) Metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * time.Millisecond):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metadataTimes = append(c.metadataTimes, time.Since(c.begin)-10*time.Millisecond)
	if c.noMetadata != nil {
		return nil, c.noMetadata
	}
	answer := kmsg.NewPtrMetadataResponse()
	for _, name := range topics {
		if leaders, ok := c.leaders[name]; ok {
			answer.Topics = append(answer.Topics, metadataOf(name, leaders))
		}
	}
	Tidy(answer, topics)
	return answer, nil
}

func metadataOf(name string, leaders []int32) kmsg.MetadataResponseTopic {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic = kmsg.StringPtr(name)
	for i, leader := range leaders {
		partition := kmsg.NewMetadataResponseTopicPartition()
		partition.Partition, partition.Leader = int32(i), leader
		topic.Partitions = append(topic.Partitions, partition)
	}
	return topic
}

// values returns what was stored, in its order.
func (c *fakeCluster) values() (values []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.stored {
		values = append(values, r.value)
	}
	return values
}

// requests is how many of each kind came, since begin.
func (c *fakeCluster) requests() (produced, asked []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.produceTimes), slices.Clone(c.metadataTimes)
}

// addFor adds records of one owner.
func addFor(p *Producer, o Owner, records []Record) bool {
	for i := range records {
		records[i].Owner = o
	}
	return p.Add(records)
}

// fakeOwner counts what becomes of its records.
type fakeOwner struct {
	mu              sync.Mutex
	acked, released int
	rejected        []string // values
	held            int
}

func (o *fakeOwner) Acked(records int, _ int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acked += records
}

func (o *fakeOwner) Rejected(r Record, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rejected = append(o.rejected, string(r.Value))
}

func (o *fakeOwner) Held(string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held++
}

func (o *fakeOwner) Released(records int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.released += records
}

func (o *fakeOwner) want(t *testing.T, acked, rejected, released int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.acked != acked || len(o.rejected) != rejected || o.released != released {
		t.Errorf("%d records acknowledged, %d rejected, %d released, want %d, %d and %d", o.acked, len(o.rejected), o.released, acked, rejected, released)
	}
}

// count returns how many records were acknowledged, and which were rejected.
func (o *fakeOwner) count() (acked int, rejected []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.acked, slices.Clone(o.rejected)
}

// fakeObserver keeps what it is told.
type fakeObserver struct {
	mu      sync.Mutex
	acked   map[string]int
	failed  map[string]int // by topic and error
	retried int
	panics  []any

	rejectsWait func() bool // nil: never
}

func (o *fakeObserver) Acked(topic string, records int, _ int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.acked == nil {
		o.acked = make(map[string]int)
	}
	o.acked[topic] += records
}

func (o *fakeObserver) Found(string) {}

func (o *fakeObserver) Failed(topic string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = make(map[string]int)
	}
	o.failed[fmt.Sprint(topic, ": ", err)]++
}

func (o *fakeObserver) Retried(records int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.retried += records
}

func (o *fakeObserver) RejectsWait() bool { return o.rejectsWait != nil && o.rejectsWait() }

func (o *fakeObserver) Panicked(cause any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.panics = append(o.panics, cause)
}

// addRecords gives the producer records of a topic, one for each value.
func addRecords(t *testing.T, p *Producer, o Owner, topic string, values ...string) {
	t.Helper()
	var records []Record
	for _, v := range values {
		records = append(records, Record{Topic: topic, Value: []byte(v)})
	}
	if !addFor(p, o, records) {
		t.Fatal("the producer takes nothing")
	}
}

// refusing is for fakeCluster.refuse: batches with a value that begins with prefix are
// refused.
func refusing(err *kerr.Error, prefix string) func(string, int32, []string) *kerr.Error {
	return func(_ string, _ int32, values []string) *kerr.Error {
		if slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, prefix) }) {
			return err
		}
		return nil
	}
}

// numbers are n values from that number on.
func numbers(from, n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint("value ", from+i))
	}
	return values
}
