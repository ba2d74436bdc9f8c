package simkafka

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (x *exchange) metadata(r *kmsg.MetadataRequest) kmsg.Response {
	c := x.cluster
	response := r.ResponseKind().(*kmsg.MetadataResponse)
	for _, n := range c.nodes {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = n.id, n.host, n.port
		response.Brokers = append(response.Brokers, b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	names := slices.Sorted(maps.Keys(c.topics))
	if r.Topics != nil {
		names = names[:0]
		for i := range r.Topics {
			names = append(names, *r.Topics[i].Topic)
		}
	}
	if r.Topics == nil || len(names) > 0 { // else the question is about nodes alone
		c.traffic.metadata.add(c.Now())
	}
	for _, name := range names {
		if x.meet(NoTopic, name, -1) == nil {
			response.Topics = append(response.Topics, x.describe(name))
		}
	}
	return response
}

// describe is what metadata says about a topic.
func (x *exchange) describe(name string) kmsg.MetadataResponseTopic {
	about := kmsg.NewMetadataResponseTopic()
	about.Topic = &name
	t := x.cluster.topics[name]
	if e := x.deniedTopic(name, -1); e != nil {
		about.ErrorCode = e.Code
		return about
	}
	if t == nil {
		about.ErrorCode = kerr.UnknownTopicOrPartition.Code
		return about
	}
	for i, p := range t.partitions {
		about.Partitions = append(about.Partitions, x.describePartition(name, int32(i), p.leader))
	}
	return about
}

func (x *exchange) describePartition(name string, number, leader int32) kmsg.MetadataResponseTopicPartition {
	c := x.cluster
	about := kmsg.NewMetadataResponseTopicPartition()
	about.Partition = number
	if x.meet(Flap, name, number) != nil {
		if !x.flapped {
			x.flapped = true
			c.flaps++
		}
		leader = (leader + c.flaps) % int32(len(c.nodes))
	}
	about.Replicas, about.ISR = []int32{leader}, []int32{leader}
	if x.meet(NoLeader, name, number) != nil {
		leader, about.ErrorCode = -1, kerr.LeaderNotAvailable.Code
	}
	if f := x.meet(Ask, name, number); f != nil {
		about.ErrorCode = f.Err.Code
	}
	about.Leader = leader
	return about
}

// deniedTopic is the error of a topic or partition that this client may not know.
func (x *exchange) deniedTopic(name string, partition int32) *kerr.Error {
	if x.session.password != x.cluster.password && x.meet(Expired, name, partition) != nil {
		return kerr.TopicAuthorizationFailed
	}
	if f := x.meet(Ask, name, partition); f != nil {
		return f.Err
	}
	return nil
}
