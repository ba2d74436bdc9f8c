package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/display"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/produce"
)

// batchOverhead is the room left in a batch for all but the value of the largest
// record: the batch header, and the record's lengths, timestamp and offset delta.
const batchOverhead = 4096

// heldUpPart is the part of buffer_limit that records may take which wait for shards that fail
// while others of their logstore are well. The logstore fails by then, so it shares half of the
// room with others that do, and keeps what a chunk may need free.
const heldUpPart = 16

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
		HeldUpBytes:     c.BufferLimit / heldUpPart,
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
	client  *kgo.Client
	timeout time.Duration // of a metadata request, connecting included
	crowded func(produce.Crowded)
}

// Produce sends a request to a broker.
func (c *cluster) Produce(ctx context.Context, broker int32, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error) {
	answer, err := c.client.Broker(int(broker)).Request(ctx, r)
	if err != nil {
		return nil, wrapNoAnswer(err)
	}
	produced, ok := answer.(*kmsg.ProduceResponse)
	if !ok {
		return nil, fmt.Errorf("the client answers a produce request with a %T", answer)
	}
	return produced, nil
}

// wrapNoAnswer marks the error of a broker that is reachable and does not answer.
func wrapNoAnswer(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "read" && op.Timeout() {
		return fmt.Errorf("%w: %w", failure.ErrNoAnswer, err)
	}
	return err
}

// Metadata asks the broker for the partitions of topics and their leaders. The
// client learns the leaders' addresses from the same answer. Topics are asked about in
// pieces, so that each answer fits connect.MaxAnswerBytes; the pieces are in the order of
// names, so that the whole is tidy when each is.
func (c *cluster) Metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	whole := kmsg.NewPtrMetadataResponse()
	names := slices.Compact(slices.Sorted(slices.Values(topics)))
	for piece := range slices.Chunk(names, topicsPerRequest) {
		answer, err := c.askPiece(ctx, piece)
		if err != nil {
			return nil, err
		}
		whole.Topics = append(whole.Topics, answer.Topics...)
	}
	return whole, nil
}

// topicsPerRequest is how many topics one request asks about: with 256 shards and three
// replicas each their answer has 380 KB.
const topicsPerRequest = 32

func (c *cluster) askPiece(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
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
		for _, topic := range produce.Tidy(answer, topics) { // before the next piece, for it may be large
			c.crowded(topic)
		}
	}
	return answer, err
}

// noteCrowded logs, once for each logstore, that some of its shards get no records.
func (o *Output) noteCrowded(c produce.Crowded) {
	if to := o.logstores.ofTopic(c.Topic); to != nil && !to.crowded.Swap(true) {
		o.log.Warnf("logstore %s has %d shards: the first %d get its records, the others none; split less, or spread the records over several logstores", to.name, c.Listed, produce.MostPartitions)
	}
}

// producerObserver passes the events of a producer on to the health and the
// statistics of its output. It implements [produce.Observer].
type producerObserver struct{ out *Output }

// Acked counts records that were acknowledged.
func (p producerObserver) Acked(topic string, records int, bytes int64) {
	o := p.out
	o.stats.addAcked(int64(records), bytes)
	now := o.health.acked()
	if o.logstores.single {
		return
	}
	if to := o.logstores.ofTopic(topic); to != nil {
		to.lastAck.Store(&now)
		o.admission.know(&to.account, false)
	}
}

// Found notes that a logstore exists.
func (p producerObserver) Found(topic string) {
	o := p.out
	to := o.logstores.ofTopic(topic)
	if o.logstores.single || to == nil {
		return
	}
	if o.logstores.found(to) {
		o.log.Infof("logstore %s exists now: its records go there", to.name)
	}
	o.admission.know(&to.account, false)
}

// Failed notes a failure, which is one of the output if it is not about a topic.
func (p producerObserver) Failed(topic string, err error) { p.out.failed(topic, err) }

func (o *Output) failed(topic string, err error) {
	if o.logstores.single || topic == "" || failure.Of(err).Scope == failure.Broker {
		o.health.failed(o.defaultTopic, err)
		return
	}
	to := o.logstores.ofTopic(topic)
	if to == nil {
		return
	}
	missing := isMissing(err)
	if o.logstores.mayHold(to, missing) {
		o.admission.know(&to.account, true)
	}
	if missing {
		o.logstoreMissing(to, time.Now())
	}
	o.health.storeFailed(to, err)
}

// Retried counts records that are sent again.
func (p producerObserver) Retried(records int) { p.out.stats.retried.Add(int64(records)) }

// Panicked logs the panic.
func (p producerObserver) Panicked(cause any) { p.out.logPanic(cause) }

// brokerOutside counts a connection to a broker outside of the endpoint's domain, and logs
// it once a minute.
func (h *health) brokerOutside(host string) {
	o := h.out
	o.stats.failures[failure.ForeignBroker].Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outsideLogged.due() {
		o.log.Warnf("broker %s, which %s names, is outside of its domain, and gets the AccessKey too: set broker_hosts to the names of the service's brokers", display.Part(host), o.cfg.Addresses())
	}
}

// closeStaleSessions closes connections whose credentials are not those of
// credentials_file any more; the client makes new ones.
func (o *Output) closeStaleSessions() {
	if o.sessions.CloseStale() {
		o.log.Infof("credentials_file %s has changed: connecting again with what is in it now", o.cfg.CredentialsFile)
	}
}
