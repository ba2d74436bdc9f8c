package produce

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The newest versions of both answers that the client knows, and the oldest produce request that is sent.
const (
	newestMetadata = 13
	oldestProduce  = 3
	newestProduce  = 12
)

// answering is a cluster whose answers are bytes of others, as far as the client can read them.
type answering struct {
	metadata, produce []byte
	version           int16
}

func (c *answering) Metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	answer := &kmsg.MetadataResponse{Version: c.version % (newestMetadata + 1)}
	if err := answer.ReadFrom(c.metadata); err != nil {
		return nil, err
	}
	Tidy(answer, topics)
	return answer, ctx.Err()
}

func (c *answering) Produce(ctx context.Context, _ int32, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error) {
	answer := &kmsg.ProduceResponse{Version: oldestProduce + c.version%(newestProduce-oldestProduce+1)}
	if err := answer.ReadFrom(c.produce); err != nil {
		return nil, err
	}
	return answer, ctx.Err()
}

// counting fails the test at a panic.
type counting struct{ t *testing.T }

func (o *counting) Acked(string, int, int64) {}
func (o *counting) Failed(string, error)     {}
func (o *counting) Found(string)             {}
func (o *counting) Retried(int)              {}
func (o *counting) Panicked(cause any)       { o.t.Errorf("panic: %v", cause) }
func (o *counting) RejectsWait() bool        { return false }

// Any bytes as the answers of a broker end no record twice and none never, and nothing panics.
func FuzzAnswers(f *testing.F) {
	topic := metadataOf("a", []int32{1, 2})
	metadata := (&kmsg.MetadataResponse{Version: 7, Topics: []kmsg.MetadataResponseTopic{topic}}).AppendTo(nil)
	for _, code := range []int16{0, 3, 6, 10, 87} {
		produced := &kmsg.ProduceResponse{Version: 5, Topics: []kmsg.ProduceResponseTopic{{Topic: "a", Partitions: []kmsg.ProduceResponseTopicPartition{{ErrorCode: code}}}}}
		f.Add(metadata, produced.AppendTo(nil), int16(7))
	}
	f.Add([]byte{}, []byte{}, int16(0))
	f.Fuzz(func(t *testing.T, metadata, produced []byte, version int16) {
		if version < 0 {
			t.Skip("no version")
		}
		synctest.Test(t, func(t *testing.T) {
			seen := &counting{t: t}
			owner := &ended{}
			p, err := New(Options{Compression: "none", Acks: 1, MaxBatchBytes: 1 << 16, MaxRequestBytes: 1 << 20, Linger: time.Millisecond, Timeout: time.Second,
				Backoff: func(int) time.Duration { return 100 * time.Millisecond }}, &answering{metadata, produced, version}, seen)
			if err != nil {
				t.Fatal(err)
			}
			const n = 3
			var records []Record
			for range n {
				records = append(records, Record{Owner: owner, Topic: "a", Value: []byte("value"), Millis: time.Now().UnixMilli()})
			}
			p.Add(records)
			for range 30 {
				time.Sleep(time.Second)
				p.Tick(time.Now())
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := p.Close(ctx); err != nil {
				t.Error(err)
			}
			if got := owner.n.Load(); got != n {
				t.Errorf("%d of %d records ended", got, n)
			}
		})
	})
}

// ended counts records that ended, in whatever way.
type ended struct{ n atomic.Int64 }

func (o *ended) Acked(n int, _ int64)   { o.n.Add(int64(n)) }
func (o *ended) Rejected(Record, error) { o.n.Add(1) }
func (o *ended) Held(string, error)     {}
func (o *ended) Released(n int)         { o.n.Add(int64(n)) }
