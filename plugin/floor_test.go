package plugin

import (
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// observed is how long requests are counted, and mostTries how many of a kind
// may be made in that time where retry_backoff is a second: three by backoff,
// and as many again for what is learnt at once.
const (
	observed  = 3 * time.Second
	mostTries = 6
)

// counts are the requests that an endpoint got.
type counts struct{ metadata, produce atomic.Int64 }

func count(e *sls.Endpoint) *counts {
	c := new(counts)
	for key, n := range map[kmsg.Key]*atomic.Int64{kmsg.Metadata: &c.metadata, kmsg.Produce: &c.produce} {
		e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{key}, Observe: true, Count: -1, When: func(kmsg.Request) bool { n.Add(1); return false }})
	}
	return c
}

func (c *counts) want(t *testing.T, most int64) {
	t.Helper()
	before := [...]int64{c.metadata.Load(), c.produce.Load()}
	time.Sleep(observed) // that nothing comes cannot be awaited
	metadata, produce := c.metadata.Load()-before[0], c.produce.Load()-before[1]
	t.Logf("FIGURES %d metadata and %d produce requests in %v", metadata, produce, observed)
	if metadata > most || produce > most {
		t.Errorf("%d metadata and %d produce requests in %v, at most %d of each are allowed", metadata, produce, observed, most)
	}
}

// slowRetries are properties with which a loop without a wait shows.
func slowRetries(properties map[string]string) {
	properties["retry_backoff"], properties["retry_backoff_max"] = "1s", "30s"
	properties["healthcheck"], properties["exit_timeout"] = "off", "100ms"
}

func submit(o *Output, chunk []byte) {
	o.Submit("test.tag", chunk, make(channelWaker, 1), false).Advance(chunk)
}

// metadataAnswer is one with the endpoint's brokers, and a topic where leader
// is not negative.
func metadataAnswer(e *sls.Endpoint, r kmsg.Request, leader int32) *kmsg.MetadataResponse {
	answer := r.ResponseKind().(*kmsg.MetadataResponse)
	for i, address := range e.Cluster().ListenAddrs() {
		host, port, _ := net.SplitHostPort(address)
		n, _ := strconv.Atoi(port)
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = int32(i), host, int32(n)
		answer.Brokers = append(answer.Brokers, b)
	}
	if leader < 0 {
		return answer
	}
	topic, shard := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
	topic.Topic, shard.Leader = kmsg.StringPtr("demo.json"), leader
	topic.Partitions = append(topic.Partitions, shard)
	answer.Topics = append(answer.Topics, topic)
	return answer
}

// An answer that leaves out what was asked for is a failure like any other.
func TestMetadataWithoutTheTopic(t *testing.T) {
	t.Parallel()
	e, properties := startEndpoint(t, sls.Options{})
	slowRetries(properties)
	e.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		e.Cluster().KeepControl()
		return metadataAnswer(e, r, -1), nil, true
	})
	o, h := startOutput(t, properties)
	c := count(e)
	submit(o, events(0, 10, "hello"))
	c.want(t, mostTries)
	h.wait("project demo-project or logstore demo does not exist")
}

// Brokers that do not agree about the leader are not asked in a circle.
func TestLeaderFlaps(t *testing.T) {
	t.Parallel()
	e, properties := startEndpoint(t, sls.Options{Nodes: 2, Shards: 1})
	slowRetries(properties)
	var asked atomic.Int32
	e.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		e.Cluster().KeepControl()
		return metadataAnswer(e, r, asked.Add(1)%2), nil, true
	})
	e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: -1})
	o, _ := startOutput(t, properties)
	c := count(e)
	submit(o, events(0, 10, "hello"))
	c.want(t, mostTries)
}

// A logstore whose batch is on its way to a shard that is gone is not
// forgotten: the batch would go back to a topic that learns nothing any more.
func TestTopicOfAMergedShardIsKept(t *testing.T) {
	t.Parallel()
	e, properties := startEndpoint(t, sls.Options{Shards: 2})
	slowRetries(properties)
	o, _ := startOutput(t, properties)
	if r := deliver(t, o, events(0, 10, "hello")); r != OK {
		t.Fatalf("result %d", r)
	}
	e.DelayAcks(time.Hour)
	submit(o, events(10, 10, "hello"))
	waitCount(t, e, 20)
	p := &o.producer
	p.mu.Lock()
	topic := p.topics["demo.json"]
	var on *shard
	for _, s := range topic.shards {
		if s.sending != nil {
			on = s
		}
	}
	topic.used = time.Now().Add(-keptTopic - time.Second) // it waited in an outage
	p.mu.Unlock()
	if on == nil {
		t.Fatal("no shard is sending")
	}
	answer := kmsg.NewPtrMetadataResponse()
	merged, shard := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
	merged.Topic, shard.Partition = kmsg.StringPtr("demo.json"), on.index+5
	merged.Partitions = append(merged.Partitions, shard)
	answer.Topics = append(answer.Topics, merged)
	p.learn([]string{"demo.json"}, answer, nil)
	p.tick(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.topics["demo.json"] != topic {
		t.Error("the topic was forgotten while its batch is on the way")
	}
}
