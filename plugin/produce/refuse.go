package produce

import (
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/failure"
)

const (
	// refusalsToReject is how often a record has to be refused alone, each time after its
	// partition took othersToBlame others: a service that refuses everything for a while,
	// or one in ten by chance, must not cost a record. At three in ten and dense traffic
	// one of 5,000 is rejected.
	refusalsToReject = 4
	// aloneToReject is how long a record is tried alone if one such refusal is all that
	// shows its fault, because nothing else is sent to its partition.
	aloneToReject = 2 * time.Minute
	// suspectsToHold is how many records may be refused alone, without one that is
	// acknowledged, until their partition or the topic waits: then it is the service, not
	// the records.
	suspectsToHold = 3
)

// suspects are the records of a topic that were refused alone since it took a batch.
type suspects struct {
	records int
	by      witnesses
}

// holds tells whether enough records were refused for a partition to wait: any if enough of
// them refused some, else those that did.
func (s *suspects) holds(part *partition) bool {
	return s.records >= suspectsToHold && (s.by.enough(part.queue.topic) || slices.Contains(s.by[:], part))
}

// waitForServiceLocked lets the partition or the topic of a refused batch wait, if it is to.
func (p *Producer) waitForServiceLocked(pb *partitionBatch, now time.Time) {
	if s := &pb.topic.suspects; s.holds(pb.partition) {
		p.waitForLocked(pb, &s.by, now)
	}
}

// refusedLocked decides about a batch that the broker refused for what is in it.
// alone tells that it had a request of its own.
func (p *Producer) refusedLocked(pb *partitionBatch, kind failure.Kind, alone bool, now time.Time) verdict {
	b, t := pb.batch, pb.topic
	switch {
	case kind == failure.Codec && b.codec != 0:
		p.plainUntil = now.Add(learntFor)
		return verdict{divideIt, uncompressed}
	case kind == failure.Size && b.count == 1 && !alone && !b.exclusive:
		b.exclusive = true // the request may be what is too large
		return verdict{action: sideIt}
	case kind == failure.Size && b.count == 1:
		return verdict{action: rejectIt}
	case kind == failure.Size:
		t.batches.refused(b.size, p.options.MaxBatchBytes, now)
		return verdict{divideIt, halves}
	case pb.namesSome():
		return verdict{divideIt, byName}
	case errors.Is(pb.err, kerr.InvalidTimestamp):
		return p.refusedTimeLocked(pb, now)
	case b.count == 1:
		return p.refusedAloneLocked(pb, now)
	}
	// Also while its partition holds: some part may be taken, which shows that it is not the
	// service. The wait bounds how many are divided.
	p.waitForServiceLocked(pb, now)
	if b.refusedAt.IsZero() {
		b.refusedAt = now
	}
	return verdict{divideIt, halves}
}

// namesSome tells whether the answer names some of the records, and not all.
func (pb *partitionBatch) namesSome() bool {
	n := 0
	for _, i := range pb.named {
		if i >= 0 && int(i) < pb.batch.count {
			n++
		}
	}
	return n > 0 && n < pb.batch.count
}

// refusedAloneLocked decides about a record that was refused in a batch of its own.
func (p *Producer) refusedAloneLocked(pb *partitionBatch, now time.Time) verdict {
	b := pb.batch
	took := pb.partition.streak
	pb.partition.streak = 0
	// What was taken before the first refusal, or was on its way by then, says nothing.
	if !b.refusedAt.IsZero() && pb.partition.tookAt.After(b.refusedAt) && (b.refusals == 0 || took >= othersToBlame) {
		b.refusals++
	}
	if b.refusals >= refusalsToReject || b.refusals > 0 && !b.aloneAt.IsZero() && now.Sub(b.aloneAt) >= aloneToReject {
		return verdict{action: rejectIt}
	}
	p.suspectLocked(pb, now)
	return verdict{action: sideIt}
}

// suspectLocked notes that a batch was refused, which others will show to be its
// fault or the service's.
func (p *Producer) suspectLocked(pb *partitionBatch, now time.Time) {
	b := pb.batch
	b.exclusive = b.exclusive || b.unclear && !p.answersByBatch // it will be refused again, most likely
	b.refusedAt = now
	b.wait.Failed(now, p.options.Backoff)
	if b.aloneAt.IsZero() { // that it is refused again says nothing new
		b.aloneAt = now
		p.undelivered.hold(b, pb.err)
		pb.topic.suspects.records++
		pb.topic.suspects.by.add(pb.partition)
		p.waitForServiceLocked(pb, now)
	}
}

// agesTell tells whether a batch that was refused for a time has both such as are likely to
// be refused and others. It need not go alone to be divided by them, whatever else its
// request had.
func (pb *partitionBatch) agesTell(now time.Time) bool {
	return errors.Is(pb.err, kerr.InvalidTimestamp) && pb.batch.mixesAges(now)
}

// refusedTimeLocked decides about a batch that was refused for the time of some
// record.
func (p *Producer) refusedTimeLocked(pb *partitionBatch, now time.Time) verdict {
	b := pb.batch
	age := ageOf(b.minMillis, now)
	switch {
	case b.mixesAges(now):
		return verdict{divideIt, byAge}
	case age == near && b.maxMillis-b.minMillis <= provedFor.Milliseconds():
		// One of the clocks is wrong. The records are taken when the other clock comes
		// there, or are old by this one at last.
		b.wait.Failed(now, p.options.Backoff)
		return verdict{action: sideIt}
	case age == near || b.count > 1 && b.nearest:
		return verdict{divideIt, byTime}
	case b.count > 1:
		return verdict{divideIt, nearestApart}
	}
	pb.topic.ages.prove(b.minMillis, now)
	p.sweepLocked(pb.topic, now)
	return verdict{action: rejectIt}
}
