package produce

import (
	"slices"
	"time"

	"out_sls_kafka/plugin/failure"
)

// results are batches that are done: they will not be sent again.
type results struct {
	acked    []*batch
	rejected []rejectedBatch
	released []*batch // their owners get the records back
}

// rejectedBatch is a batch of one record, and why the broker refused it.
type rejectedBatch struct {
	batch *batch
	err   error
}

// deliver calls the observer and the owners. p.mu is not held.
func (res *results) deliver(p *Producer) {
	for _, b := range res.acked {
		p.observeAcked(b)
		for _, run := range b.runs {
			p.ownerAcked(run)
		}
		p.pool.put(b.wire)
	}
	for _, r := range res.rejected {
		err := r.batch.eachRecord(func(o Owner, key, value []byte, millis int64) {
			p.ownerRejected(o, Record{r.batch.queue.topic.name, key, value, millis}, r.err)
		})
		if err != nil {
			p.observer.Panicked(err)
			res.released = append(res.released, r.batch)
		}
	}
	for _, b := range res.released {
		if b.retrying {
			b.retrying = false
			p.retrying.Add(-1)
		}
		for _, run := range b.runs {
			p.ownerReleased(run)
		}
	}
}

// A panic of an owner or of the observer ends in the call: the other owners must
// hear of their records, and each of them once.

func (p *Producer) observeAcked(b *batch) {
	defer p.recoverPanic()
	p.observer.Acked(b.queue.topic.name, b.count, b.bytes)
}

func (p *Producer) observeFailed(topic string, err error) {
	defer p.recoverPanic()
	p.observer.Failed(topic, err)
}

func (p *Producer) ownerAcked(run run) {
	defer p.recoverPanic()
	run.owner.Acked(run.records)
}

func (p *Producer) ownerRejected(o Owner, r Record, err error) {
	defer p.recoverPanic()
	o.Rejected(r, err)
}

func (p *Producer) ownerReleased(run run) {
	defer p.recoverPanic()
	run.owner.Released(run.records)
}

// completeRequest decides what becomes of each batch of a request that is over.
// requestErr is why there was no answer, or nil.
func (p *Producer) completeRequest(r *request, requestErr error) {
	res := p.classify(r, requestErr)
	for i := range r.batches {
		if pb := &r.batches[i]; pb.err != nil {
			p.observeFailed(pb.topic.name, pb.err)
		}
	}
	res.deliver(p)
}

// classify divides the batches of a request into those that are done, which it
// returns, and those to be sent again, which go back to their queues.
func (p *Producer) classify(r *request, requestErr error) (res results) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	r.broker.inflight = nil
	if requestErr == nil {
		r.broker.backoff = backoff{}
	} else {
		r.broker.backoff.failed(now, p.options.Backoff)
	}
	for i := range r.batches {
		pb := &r.batches[i]
		pb.partition.inflight = nil
		if requestErr != nil {
			pb.err = requestErr
		}
		switch {
		case pb.err == nil:
			pb.partition.backoff = backoff{}
			pb.topic.backoff = backoff{}
			res.acked = append(res.acked, pb.batch)
		case p.closed:
			res.released = append(res.released, pb.batch)
		case requestErr != nil:
			pb.refreshMetadata() // another broker may lead the partition by now
			p.requeueLocked(pb.batch)
		case failure.Of(pb.err).Action == failure.Split:
			p.splitOrRejectLocked(pb.batch, pb.err, &res)
		default:
			pb.backOff(now, p.options.Backoff)
			p.requeueLocked(pb.batch)
		}
	}
	p.scheduleLocked()
	return res
}

// minRetryInterval is the least time between a batch that failed and the next one
// of its partition, or retry_backoff if that is less. A new leader and the success
// of another partition end a backoff, and both may come as fast as answers do.
const minRetryInterval = 250 * time.Millisecond

// backOff delays the next attempt: of the partition if only it can be affected,
// otherwise of the topic.
func (pb *partitionBatch) backOff(now time.Time, wait func(int) time.Duration) {
	pb.refreshMetadata()
	pb.partition.notBefore = now.Add(min(minRetryInterval, wait(1)))
	if failure.Of(pb.err).Scope == failure.Topic {
		pb.topic.backoff.failed(now, wait)
	} else {
		pb.partition.backoff.failed(now, wait)
	}
}

// refreshMetadata has the metadata of the topic requested soon, also during the
// backoff that another partition without a leader causes. metadataMinAge bounds how
// often.
func (pb *partitionBatch) refreshMetadata() {
	pb.topic.refresh = true
	pb.topic.metadataBackoff.expire()
}

// requeueLocked puts batches that failed, in their order, back at the head of their
// queue.
func (p *Producer) requeueLocked(batches ...*batch) {
	q := batches[0].queue
	if q.partition != nil && q.partition.retired {
		q = &q.topic.shared
	}
	for _, b := range batches {
		b.queue, b.retrying = q, true
	}
	p.retrying.Add(int64(len(batches)))
	q.closed = slices.Insert(q.closed, 0, batches...)
	p.activateLocked(q.topic)
}
