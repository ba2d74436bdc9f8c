package produce

import (
	"time"

	"out_sls_kafka/plugin/failure"
)

const (
	// blamesToReject is how often a record has to fail alone, each time after its
	// partition took othersToBlame others and refused none, before an error that can pass
	// counts as the record's. A service that fails by chance must not cost a record: at
	// six failures of ten, one record in 10^8 has as many.
	blamesToReject = 8
	othersToBlame  = 3
	// failuresToDivide is after how many failures a batch is divided although nothing
	// shows that it is to blame: if others are not sent, that is the only way to see.
	failuresToDivide = 4
)

// history is what became of a batch so far, or of the larger one that it was part
// of.
type history struct {
	wait      Backoff    // in the side line
	failures  int        // with errors that can pass
	failedAt  time.Time  // the last of them; zero: none
	failedOn  *partition // where that was
	blamed    int        // failures while others came through
	postponed int        // tries, since the last one, that would have shown nothing
	refusedAt time.Time  // when it was refused last, or what it was part of; zero: never
	aloneAt   time.Time  // when it was refused alone first
	refusals  int        // alone, after its partition took others
	nearest   bool       // its record that was nearest to the present was refused apart from it
}

// completeRequest decides what becomes of each batch of a request that is over.
// requestErr is why there was no answer, or nil.
func (p *Producer) completeRequest(r *request, requestErr error) {
	for _, d := range p.classify(r, requestErr) {
		p.divide(d)
	}
}

// classify decides about each batch of a request, and returns those to be divided.
func (p *Producer) classify(r *request, requestErr error) (divisions []division) {
	p.mu.Lock()
	defer p.unlock()
	now := time.Now()
	r.broker.inflight, r.broker.postponed = nil, 0
	p.noteRequestLocked(r, requestErr, now)
	unclear := p.unclearLocked(r)
	r.noteUnclear(unclear, requestErr)
	for i := range r.batches {
		pb := &r.batches[i]
		pb.partition.inflight = nil
		if requestErr != nil {
			pb.err, pb.lost = requestErr, true
		}
		v := verdict{action: sideIt}
		if unclear && !pb.agesTell(now) {
			pb.batch.unclear = true
		} else {
			v = p.verdictLocked(r, pb, requestErr != nil, now)
		}
		if d, ok := p.applyLocked(v, pb, now); ok {
			divisions = append(divisions, d)
		}
	}
	p.backOffTopicsLocked(r, now)
	if requestErr == nil {
		r.broker.answeredAt = now
	} else if p.options.Partitioner == RoundRobin {
		p.emptyBrokerLocked(r.broker, now)
	}
	p.scheduleLocked()
	return divisions
}

// verdict is what becomes of a batch after a try.
type verdict struct {
	action action
	cut    cut // of divideIt
}

type action uint8

const (
	ackIt     action = iota
	releaseIt        // the producer is closed
	retryIt          // before fresh batches, where its partition takes batches
	sideIt           // after its own wait, behind fresh batches
	divideIt
	rejectIt
)

// verdictLocked decides about a batch, and notes what its answer says about the
// topic, the partition and the batch.
func (p *Producer) verdictLocked(r *request, pb *partitionBatch, lost bool, now time.Time) verdict {
	switch {
	case pb.err == nil:
		pb.partition.ok(r.startedAt)
		pb.topic.ackedAt, pb.topic.suspects, pb.topic.deniedBy = now, suspects{}, witnesses{}
		if pb.batch.codec == 0 { // what counts for the broker is the size as sent
			pb.topic.batches.took(pb.batch.size)
		}
		return verdict{action: ackIt}
	case p.closed:
		return verdict{action: releaseIt}
	case lost:
		return p.lostLocked(r, pb, now)
	}
	class := failure.Of(pb.err)
	if class.Action == failure.Split {
		return p.refusedLocked(pb, class.Kind, len(r.batches) == 1, now)
	}
	return p.failedLocked(pb, class, p.answersByBatch || len(r.batches) == 1, now)
}

// lostLocked decides about a batch of a request without an answer. The broker waits;
// the batch is to blame only if the broker answered others since it was lost before.
func (p *Producer) lostLocked(r *request, pb *partitionBatch, now time.Time) verdict {
	b := pb.batch
	pb.refreshMetadata() // another broker may lead the partition by now
	pb.partition.fails(now)
	blamed := !b.failedAt.IsZero() && r.broker.answeredAt.After(b.failedAt)
	b.failures++
	b.failedAt = now
	tooLarge := p.tooLargeLocked(r.broker, len(b.wire), now)
	if tooLarge { // the next batches are not made for nothing
		pb.topic.batches.learn(r.broker.atOnce.bytes, p.options.MaxBatchBytes, now)
	}
	switch suspect := blamed || b.failures >= failuresToDivide; {
	case b.count > 1 && (suspect || tooLarge):
		b.failures = 0
		b.wait.Reset()
		return verdict{divideIt, halves}
	case suspect: // and no more than that: a network says nothing about records
		b.exclusive = b.exclusive || blamed
		b.wait.Failed(now, p.retryWait)
		return verdict{action: sideIt}
	}
	return verdict{action: retryIt}
}

// recently is how long ago a topic must have taken a batch for an error of the topic
// to be taken for one of the partition: a shard that is merged is an unknown topic too.
const recently = time.Second

// failedLocked decides about a batch that failed with an error that can pass. sure
// tells that no other batch can have been meant.
func (p *Producer) failedLocked(pb *partitionBatch, class failure.Class, sure bool, now time.Time) verdict {
	b, part := pb.batch, pb.partition
	if class.Kind != failure.Quota { // more requests would not help
		pb.refreshMetadata()
	}
	if class.Scope == failure.Topic && now.Sub(pb.topic.ackedAt) > recently {
		part.notBefore = now.Add(min(minRetryInterval, p.options.Backoff(1)))
		pb.topic.deniedBy.add(part)
		p.waitForLocked(pb, &pb.topic.deniedBy, now)
		return verdict{action: retryIt}
	}
	took, elsewhere := part.streak, !b.failedAt.IsZero() && pb.topic.ackedAt.After(b.failedAt)
	several := b.failedOn != nil && b.failedOn != part && b.count > 1
	part.streak = 0
	blamed := !b.failedAt.IsZero() && part.tookAt.After(b.failedAt) && took > 0
	b.failedAt, b.failedOn, b.postponed = now, part, 0
	b.failures++
	switch {
	case blamed && !sure:
		b.exclusive = true
		b.wait.Failed(now, p.retryWait)
		return verdict{action: sideIt}
	case blamed:
		return p.blamedLocked(pb, class.Kind == failure.Service && took >= othersToBlame, now)
	case several && elsewhere && took > 0 && sure && class.Kind == failure.Service:
		// Two partitions that took others failed with it: neither waits for that.
		return p.blamedLocked(pb, false, now)
	}
	p.partitionFailedLocked(pb, p.retryWait, now)
	switch {
	case b.failures >= failuresToDivide && b.count > 1:
		b.failures = 0
		b.wait.Reset() // others wait for their records in it
		return verdict{divideIt, halves}
	case b.failures >= failuresToDivide || b.blamed > 0:
		if elsewhere {
			p.holdLocked(pb, now)
		}
		b.wait.Failed(now, p.options.Backoff)
		return verdict{action: sideIt}
	}
	return verdict{action: retryIt}
}

// waitForLocked lets the topic of a batch wait, if what its partitions said is about the topic,
// and else the partition of the batch, which is one of them.
func (p *Producer) waitForLocked(pb *partitionBatch, said *witnesses, now time.Time) {
	if said.enough(pb.topic) {
		pb.topicFailed = true
	} else {
		p.partitionFailedLocked(pb, p.options.Backoff, now)
	}
}

// partitionFailedLocked notes a failure that is not shown to be the batch's. What the partition
// has goes to others, if it may.
func (p *Producer) partitionFailedLocked(pb *partitionBatch, wait func(int) time.Duration, now time.Time) {
	pb.partition.failed(now, wait)
	if p.options.Partitioner == RoundRobin || pb.partition.abandoned(pb.topic, now) {
		p.emptyLocked(pb.partition, now)
	}
}

// blamedLocked decides about a batch that failed while its partition took others.
// proved tells that this counts against a record.
func (p *Producer) blamedLocked(pb *partitionBatch, proved bool, now time.Time) verdict {
	b := pb.batch
	if b.blamed == 0 || proved {
		b.blamed++
	}
	if b.count > 1 {
		b.wait.Reset() // others wait for their records in it
	}
	b.wait.Failed(now, p.retryWait)
	switch {
	case b.count > 1:
		b.failures = 0
		return verdict{divideIt, halves}
	case b.blamed > blamesToReject: // once as a part of a larger batch
		return verdict{action: rejectIt}
	}
	p.holdLocked(pb, now)
	return verdict{action: sideIt}
}

// holdLocked has the owner told, once, that a record waits which fails alone.
func (p *Producer) holdLocked(pb *partitionBatch, now time.Time) {
	if b := pb.batch; b.count == 1 && b.aloneAt.IsZero() {
		b.aloneAt = now
		p.undelivered.hold(b, pb.err)
	}
}

// applyLocked does what was decided. It returns the division if the batch is to be
// divided.
func (p *Producer) applyLocked(v verdict, pb *partitionBatch, now time.Time) (d division, ok bool) {
	b, t := pb.batch, pb.topic
	if pb.err != nil && !pb.lost {
		p.undelivered.fail(t.name, pb.err)
	}
	if v.action == divideIt {
		b.to(dividing)
		near := ageOf(b.minMillis, now) == near && ageOf(b.maxMillis, now) == near
		return division{b, v.cut, pb.named, pb.err, near}, true
	}
	t.outside--
	switch v.action {
	case ackIt:
		b.to(acked)
		p.undelivered.acked = append(p.undelivered.acked, b)
	case releaseIt:
		b.to(released)
		p.undelivered.released = append(p.undelivered.released, b)
	case rejectIt:
		p.rejectLocked(b, pb.err)
	case retryIt:
		p.requeueLocked(b, retryLine, now)
	case sideIt:
		p.requeueLocked(b, sideLine, now)
	}
	return d, false
}

// backOffTopicsLocked lets each topic of a request wait once, however many of its
// batches failed, and however many brokers said so at the same time; and ends its wait
// only if none did.
func (p *Producer) backOffTopicsLocked(r *request, now time.Time) {
	for i := 0; i < len(r.batches); {
		t, failed, took := r.batches[i].topic, false, false
		for ; i < len(r.batches) && r.batches[i].topic == t; i++ { // they stand together
			failed = failed || r.batches[i].topicFailed
			took = took || r.batches[i].err == nil
		}
		if failed && (t.backoff.failedAt.IsZero() || r.startedAt.After(t.backoff.failedAt)) {
			t.backoff.Failed(now, p.options.Backoff)
		} else if took && !failed {
			t.backoff.Reset()
		}
	}
}
