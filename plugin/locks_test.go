package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A panic where the producer's lock is held leaves the lock free: Fluent Bit's
// own thread takes it.
func TestPanicLeavesNoLock(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		prepare func(p *producer)
	}{
		{"learning of a topic", func(p *producer) {
			p.known("demo.json").shards = []*shard{nil}
		}},
		{"placing records that waited for their shards", func(p *producer) {
			t := p.known("demo.json")
			t.homeless.open = &batch{queue: &t.homeless, wire: make([]byte, batchHeader), parts: []part{{new(Chunk), 1}}, count: 1}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			o, lines := quietOutput(t)
			p := &o.producer
			o.memories.largest = 1 << 20
			p.out, p.topics, p.brokers, p.timer = o, make(map[string]*topic), make(map[int32]*broker), time.NewTimer(time.Hour)
			row.prepare(p)
			answer := kmsg.NewPtrMetadataResponse()
			topic, shard := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
			topic.Topic = kmsg.StringPtr("demo.json")
			topic.Partitions = append(topic.Partitions, shard)
			answer.Topics = append(answer.Topics, topic)
			func() {
				defer o.contain(nil)
				p.learn([]string{"demo.json"}, answer, nil)
			}()
			if !p.mu.TryLock() {
				t.Fatal("the producer's lock is held by nobody")
			}
			p.mu.Unlock()
			if got := lines(); len(got) != 1 || !strings.Contains(got[0], "internal error") {
				t.Errorf("log %q", got)
			}
		})
	}
}
