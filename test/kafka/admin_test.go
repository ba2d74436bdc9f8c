//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	partitions = 6
	replicas   = brokerCount
)

// topic is a topic made for one test.
type topic struct {
	t    *testing.T
	name string
}

// createTopic makes the topic of a logstore, which the project may write to,
// and waits until every broker serves it. configs are pairs of key and value.
func createTopic(t *testing.T, logstore string, configs ...string) topic {
	t.Helper()
	return createNamed(t, logstore+".json", configs...)
}

// createNamed is createTopic for a topic of any name.
func createNamed(t *testing.T, name string, configs ...string) topic {
	t.Helper()
	p := topic{t, name}
	p.allow() // before the topic exists: no broker knows it without its rights
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = int32(readyLimit.Milliseconds())
	want := kmsg.NewCreateTopicsRequestTopic()
	want.Topic, want.NumPartitions, want.ReplicationFactor = p.name, partitions, replicas
	for i := 0; i < len(configs); i += 2 {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = configs[i], &configs[i+1]
		want.Configs = append(want.Configs, config)
	}
	req.Topics = append(req.Topics, want)
	ctx, cancel := context.WithTimeout(t.Context(), readyLimit)
	defer cancel()
	resp, err := req.RequestWith(ctx, kafka.admin)
	if err != nil {
		t.Fatal(err)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		t.Fatalf("create topic %s: %v", p.name, err)
	}
	for _, b := range kafka.brokers {
		if err := kafka.await(ctx, b, inSync, p.name); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// allow lets the project write to the topic, and see it.
func (p topic) allow() {
	p.t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	for _, operation := range []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe} {
		acl := kmsg.NewCreateACLsRequestCreation()
		acl.ResourceType, acl.ResourceName, acl.ResourcePatternType = kmsg.ACLResourceTypeTopic, p.name, kmsg.ACLResourcePatternTypeLiteral
		acl.Principal, acl.Host = "User:"+project, "*"
		acl.Operation, acl.PermissionType = operation, kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, acl)
	}
	resp, err := req.RequestWith(p.t.Context(), kafka.admin)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			p.t.Fatalf("allow %s: %v", p.name, err)
		}
	}
}

// deny takes back what allow gave.
func (p topic) deny() {
	p.t.Helper()
	req := kmsg.NewPtrDeleteACLsRequest()
	filter := kmsg.NewDeleteACLsRequestFilter()
	filter.ResourceType, filter.ResourceName, filter.ResourcePatternType = kmsg.ACLResourceTypeTopic, &p.name, kmsg.ACLResourcePatternTypeLiteral
	filter.Operation, filter.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	req.Filters = append(req.Filters, filter)
	resp, err := req.RequestWith(p.t.Context(), kafka.admin)
	if err != nil {
		p.t.Fatal(err)
	}
	r := resp.Results[0]
	if err := kerr.ErrorForCode(r.ErrorCode); err != nil || len(r.MatchingACLs) != 2 {
		p.t.Fatalf("deny %s: %v, %d rights taken back, want 2", p.name, err, len(r.MatchingACLs))
	}
}

// metadata is what a broker, or any if nil, says of the topics given, or of
// all if none is.
func (c *cluster) metadata(ctx context.Context, b *broker, topics ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	if b == nil {
		return req.RequestWith(ctx, c.admin)
	}
	resp, err := c.admin.Broker(b.id).RetriableRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp.(*kmsg.MetadataResponse), nil
}

// inSync tells whether every replica of every partition is in sync.
func inSync(m *kmsg.MetadataResponse) bool {
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if p.Leader < 0 || len(p.ISR) != replicas {
				return false
			}
		}
		if t.ErrorCode != 0 {
			return false
		}
	}
	return true
}

// replaced tells whether every partition has a leader other than b.
func (b *broker) replaced(m *kmsg.MetadataResponse) bool {
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if p.Leader < 0 || p.Leader == int32(b.id) {
				return false
			}
		}
	}
	return true
}

// await waits until what a broker, or any if nil, says of the topics is as
// wanted.
func (c *cluster) await(ctx context.Context, b *broker, wanted func(*kmsg.MetadataResponse) bool, topics ...string) error {
	for {
		m, err := c.metadata(ctx, b, topics...)
		if err == nil && wanted(m) {
			return nil
		}
		for _, b := range c.brokers {
			if err := b.crashed(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the brokers did not get to the state awaited: %w (%v)", ctx.Err(), err)
		case <-time.After(poll):
		}
	}
}

// awaitServing waits until all brokers are up and every replica is in sync.
func (c *cluster) awaitServing(ctx context.Context) error {
	return c.await(ctx, nil, func(m *kmsg.MetadataResponse) bool { return len(m.Brokers) == brokerCount && inSync(m) })
}

// leader is the broker that leads a partition.
func (p topic) leader(partition int32) *broker {
	p.t.Helper()
	m, err := kafka.metadata(p.t.Context(), nil, p.name)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, q := range m.Topics[0].Partitions {
		if q.Partition == partition && q.Leader > 0 {
			return kafka.brokers[q.Leader-1]
		}
	}
	p.t.Fatalf("topic %s has no leader for partition %d", p.name, partition)
	return nil
}
