package plugin

import (
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
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

// counts are the requests that an endpoint got. Whatever answers them counts
// them: kfake's observers do not see a request that something else has answered.
type counts struct{ metadata, produce atomic.Int64 }

// want fails where there were no requests, or more than are allowed.
func (c *counts) want(t *testing.T, most int64, counted ...*atomic.Int64) {
	t.Helper()
	time.Sleep(observed) // that nothing comes cannot be awaited
	t.Logf("FIGURES %d metadata and %d produce requests in %v", c.metadata.Load(), c.produce.Load(), observed)
	for _, n := range counted {
		if got := n.Load(); got == 0 || got > most {
			t.Errorf("%d requests of a kind in %v, at most %d are allowed, and some must come", got, observed, most)
		}
	}
}

// answerAll is an answer with the same error for every batch of a request.
func answerAll(r *kmsg.ProduceRequest, err *kerr.Error) *kmsg.ProduceResponse {
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, err.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
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
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		slowRetries(properties)
		c := new(counts)
		e.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
			e.Cluster().KeepControl()
			c.metadata.Add(1)
			return metadataAnswer(e, r, -1), nil, true
		})
		o, h := network.startOutput(t, properties)
		submit(o, events(0, 10, "hello"))
		c.want(t, mostTries, &c.metadata)
		h.wait("project demo-project or logstore demo does not exist")
	})
}

// Brokers that do not agree about the leader are not asked in a circle.
func TestLeaderFlaps(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Nodes: 2, Shards: 1})
		slowRetries(properties)
		c := new(counts)
		e.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
			e.Cluster().KeepControl()
			return metadataAnswer(e, r, int32(c.metadata.Add(1)%2)), nil, true
		})
		e.Cluster().ControlKey(kmsg.Produce.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
			e.Cluster().KeepControl()
			c.produce.Add(1)
			return answerAll(r.(*kmsg.ProduceRequest), kerr.NotLeaderForPartition), nil, true
		})
		o, _ := network.startOutput(t, properties)
		submit(o, events(0, 10, "hello"))
		c.want(t, mostTries, &c.metadata, &c.produce)
	})
}

// A shard whose leader moves after many failures is sent to the new leader soon,
// and not after the wait that the old one has earned; a shard without a leader
// does not hold its neighbour's move up.
func TestLeaderMovesAfterTrouble(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		leaderless bool // another shard has no leader all the while
	}{
		{"alone", false},
		{"next to a shard without a leader", true},
	} {
		t.Run(row.name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{Nodes: 2, Shards: 1})
			slowRetries(properties)
			properties["retry_backoff"] = "3s" // after two failures the next wait is 6 s
			var leader, tries atomic.Int32
			e.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				e.Cluster().KeepControl()
				answer := metadataAnswer(e, r, leader.Load())
				if row.leaderless {
					shard := kmsg.NewMetadataResponseTopicPartition()
					shard.Partition, shard.Leader, shard.ErrorCode = 1, -1, kerr.LeaderNotAvailable.Code
					answer.Topics[0].Partitions = append(answer.Topics[0].Partitions, shard)
				}
				return answer, nil, true
			})
			e.Cluster().ControlKey(kmsg.Produce.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				e.Cluster().KeepControl()
				switch tries.Add(1) {
				case 1:
				case 2:
					leader.Store(1)
				default:
					return answerAll(r.(*kmsg.ProduceRequest), new(kerr.Error)), nil, true
				}
				return answerAll(r.(*kmsg.ProduceRequest), kerr.NotLeaderForPartition), nil, true
			})
			o, h := network.startOutput(t, properties)
			before := time.Now()
			if r := deliver(t, o, events(0, 10, "hello")); r != OK {
				t.Fatalf("result %d; %s", r, h.text())
			}
			if took := time.Since(before); took > 6*time.Second {
				t.Errorf("delivered after %v", took)
			}
		}))
	}
}
