package produce

import (
	"slices"
	"time"
)

// countInterval is the time between two counts of what partitions that fail hold up. What is
// added in between is added to the count.
const countInterval = 100 * time.Millisecond

// overflowsLocked tells whether a record, which belongs to a partition by its key, goes to
// another one: the partition fails while others take batches, and what waits for such
// partitions takes as much room as it may. Without a bound it would take all of it, and the
// others would get nothing: each chunk has records for all.
func (p *Producer) overflowsLocked(t *topic, part *partition, size int64, now time.Time) bool {
	if p.options.HeldUpBytes == 0 || !part.failsAlone(t) {
		return false
	}
	if now.Sub(t.heldUpAt) >= countInterval {
		t.heldUp, t.heldUpAt = t.countHeldUp(), now
	}
	if t.heldUp+size > p.options.HeldUpBytes {
		return true
	}
	t.heldUp += size
	return false
}

// failsAlone tells whether the partition fails while others take batches: one did since, and
// has not failed itself by now, as all do in an outage that this partition saw first.
func (part *partition) failsAlone(t *topic) bool {
	if part.failingSince.IsZero() || !t.ackedAt.After(part.failingSince) {
		return false
	}
	return slices.ContainsFunc(t.partitions, func(other *partition) bool {
		return other.failingSince.IsZero() && other.tookAt.After(part.failingSince)
	})
}

func (t *topic) countHeldUp() (bytes int64) {
	for _, part := range t.partitions {
		if !part.failsAlone(t) {
			continue
		}
		part.queue.each(func(b *batch) {
			for i := range b.runs {
				bytes += b.runs[i].bytes
			}
		})
	}
	return bytes
}
