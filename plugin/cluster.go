package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/produce"
)

// batchOverhead is the room left in a batch for all but the value of the largest
// record: the batch header, and the record's lengths, timestamp and offset delta.
const batchOverhead = 4096

// produceOptions are the configuration as the producer has it. A single record of
// max_message_bytes must fit into a batch.
func produceOptions(c *config.Config) produce.Options {
	o := produce.Options{
		Compression:     c.Compression,
		Level:           c.CompressionLevel,
		Acks:            1,
		MaxBatchBytes:   c.MaxMessageBytes + len(c.MessageKey) + batchOverhead,
		MaxRequestBytes: connect.MaxRequestBytes,
		Linger:          c.Linger,
		Timeout:         c.RequestTimeout,
		Backoff:         c.Backoff,
	}
	if c.RequiredAcks == config.AcksAll {
		o.Acks = -1
	}
	switch c.Partitioner {
	case config.PartitionRoundRobin:
		o.Partitioner = produce.RoundRobin
	case config.PartitionKeyHash:
		o.Partitioner = produce.KeyHash
	}
	return o
}

// cluster is the Kafka client as the producer needs it. It implements
// [produce.Cluster].
type cluster struct {
	client *kgo.Client
	limit  time.Duration // of a question about topics, connecting included
}

// Produce sends a request to a broker.
func (c *cluster) Produce(ctx context.Context, broker int32, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error) {
	answer, err := c.client.Broker(int(broker)).Request(ctx, r)
	if err != nil {
		return nil, unanswered(err)
	}
	produced, ok := answer.(*kmsg.ProduceResponse)
	if !ok {
		return nil, fmt.Errorf("the client answers a produce request with a %T", answer)
	}
	return produced, nil
}

// unanswered tells a broker that does not answer from one out of reach.
func unanswered(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "read" && op.Timeout() {
		return fmt.Errorf("%w: %w", failure.ErrNoAnswer, err)
	}
	return err
}

// Metadata asks the broker for the partitions of topics and their leaders. The
// client learns the leaders' addresses of the same answer.
func (c *cluster) Metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	req.AllowAutoTopicCreation = false
	answer, err := req.RequestWith(ctx, c.client)
	if err == nil {
		produce.SortTopics(answer)
	}
	return answer, err
}

// deliveries learns for an output what its producer does. It implements
// [produce.Observer].
type deliveries struct{ out *Output }

// Acked counts what arrived.
func (d deliveries) Acked(_ string, records int, bytes int64) {
	d.out.stats.acknowledge(int64(records), bytes)
	d.out.health.acknowledged()
}

// Failed tells health. What is about no topic is about the configured logstore.
func (d deliveries) Failed(topic string, err error) {
	if topic == "" {
		topic = d.out.topic
	}
	d.out.health.failed(topic, err)
}

// Retried counts what is sent once more.
func (d deliveries) Retried(records int) { d.out.stats.resent.Add(int64(records)) }

// Panicked logs it.
func (d deliveries) Panicked(cause any) { d.out.panicked(cause) }

// renew makes connections again whose credentials are not those of
// credentials_file any more.
func (o *Output) renew() {
	if o.sessions.CloseStale() {
		o.log.Infof("credentials_file %s has changed: connecting anew with what it holds now", o.cfg.CredentialsFile)
	}
}
