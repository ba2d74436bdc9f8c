package simkafka

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (x *exchange) produce(r *kmsg.ProduceRequest) kmsg.Response {
	c := x.cluster
	response := r.ResponseKind().(*kmsg.ProduceResponse)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traffic.produce.add(c.Now())
	for i := range r.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic = r.Topics[i].Topic
		for j := range r.Topics[i].Partitions {
			asked := &r.Topics[i].Partitions[j]
			if slices.ContainsFunc(t.Partitions, func(p kmsg.ProduceResponseTopicPartition) bool { return p.Partition == asked.Partition }) {
				c.ledger.fail(fmt.Sprintf("a request with two batches for partition %d of %s", asked.Partition, t.Topic))
			}
			p := x.write(t.Topic, asked.Partition, asked.Records)
			if p.ErrorCode != 0 {
				c.traffic.fail(t.Topic, p.Partition, c.Now())
			}
			t.Partitions = append(t.Partitions, p)
		}
		response.Topics = append(response.Topics, t)
	}
	return response
}

// write takes a batch, or says why not. The cluster's lock is held.
func (x *exchange) write(topic string, number int32, raw []byte) kmsg.ProduceResponseTopicPartition {
	c := x.cluster
	answer := kmsg.NewProduceResponseTopicPartition()
	answer.Partition = number
	if e := x.refusal(topic, number, raw); e != nil {
		answer.ErrorCode = e.Code
		return answer
	}
	records, err := c.readBatch(raw)
	if err == nil {
		err = c.ledger.check(topic, records)
	}
	if err != nil {
		c.ledger.fail(err.Error())
		answer.ErrorCode = kerr.CorruptMessage.Code
		return answer
	}
	if e, which := x.refusedRecords(topic, number, records); e != nil {
		answer.ErrorCode = e.Code
		if c.options.RecordErrors {
			answer.ErrorRecords = errorRecords(e, which)
		}
		return answer
	}
	for _, r := range records {
		r.account.land(r.index)
	}
	p := c.partition(topic, number)
	answer.BaseOffset = p.next
	p.next += int64(len(records))
	p.wroteAt = c.Now()
	if f := x.meet(Landed, topic, number); f != nil {
		answer.ErrorCode = f.Err.Code
		return answer
	}
	x.landed = append(x.landed, records...)
	return answer
}

// refusal is why a batch is not even looked at.
func (x *exchange) refusal(topic string, number int32, raw []byte) *kerr.Error {
	here := place{node: x.id, topic: topic, partition: number, size: len(raw), codec: codecOf(raw)}
	if e := x.deniedTopic(topic, number); e != nil {
		return e
	}
	p := x.cluster.partition(topic, number)
	switch most := x.cluster.options.MaxBatch; {
	case p == nil:
		return kerr.UnknownTopicOrPartition
	case p.leader != x.id, x.meetAt(Flap, here) != nil, x.meetAt(NoLeader, here) != nil:
		return kerr.NotLeaderForPartition
	case p.readOnly != nil:
		return p.readOnly
	case most > 0 && len(raw) > most, x.meetAt(TooLarge, here) != nil:
		return kerr.MessageTooLarge
	case x.meetAt(Codec, here) != nil:
		return kerr.UnsupportedCompressionType
	}
	if f := x.meetAt(Refuse, here); f != nil {
		return f.Err
	}
	return nil
}

// refusedRecords are the records that a batch is refused for: those of a time that
// is out of bounds, else those that are poisoned.
func (x *exchange) refusedRecords(topic string, number int32, records []record) (e *kerr.Error, which []int) {
	o := x.cluster.options
	now := time.Now().Add(-o.Behind)
	var poisoned []int
	for i, r := range records {
		if o.MaxAge > 0 && r.at.Before(now.Add(-o.MaxAge)) || o.MaxAhead > 0 && r.at.After(now.Add(o.MaxAhead)) {
			which = append(which, i)
		}
		if r.poisoned() {
			poisoned = append(poisoned, i)
		}
	}
	if len(which) > 0 {
		return kerr.InvalidTimestamp, which
	}
	if len(poisoned) > 0 {
		if f := x.meet(Poison, topic, number); f != nil {
			return f.Err, poisoned
		}
	}
	return nil, nil
}

// meetPoison finds the fault that cuts a request with a poisoned record.
func (x *exchange) meetPoison(r *kmsg.ProduceRequest) *Fault {
	for i := range r.Topics {
		for _, p := range r.Topics[i].Partitions {
			f := x.meet(CutPoison, r.Topics[i].Topic, p.Partition)
			if f == nil {
				continue
			}
			records, _ := x.cluster.readBatch(p.Records) // what cannot be read is refused later
			if slices.ContainsFunc(records, record.poisoned) {
				return f
			}
		}
	}
	return nil
}

// poisoned tells whether the record is one that is refused by itself.
func (r record) poisoned() bool { return r.account.Poison != nil && r.account.Poison(r.index) }

func errorRecords(e *kerr.Error, which []int) (named []kmsg.ProduceResponseTopicPartitionErrorRecord) {
	for _, i := range which {
		n := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		n.RelativeOffset, n.ErrorMessage = int32(i), &e.Description
		named = append(named, n)
	}
	return named
}
