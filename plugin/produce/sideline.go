package produce

import (
	"container/heap"
	"slices"
	"time"
)

// sideline holds the batches of a queue that something may be wrong with: parts of
// refused batches, and batches that failed while others came through. Fresh batches
// go before them. Each has a wait of its own.
type sideline struct {
	due     []*batch // those whose wait is over
	waiting waitHeap
	taken   int
}

func (s *sideline) empty() bool { return len(s.due)+len(s.waiting) == 0 }

func (s *sideline) add(b *batch, now time.Time) {
	if !b.wait.Ready(now) {
		heap.Push(&s.waiting, b)
		return
	}
	at, _ := slices.BinarySearchFunc(s.due, b.rank(), func(b *batch, rank int) int { return b.rank() - rank })
	s.due = slices.Insert(s.due, at, b)
}

// rank is the place in the line: few records first, for what they show decides about
// the others, and the latest of equal ones; those that were refused alone last, since
// they will be once more.
func (b *batch) rank() int {
	if b.aloneAt.IsZero() {
		return b.count
	}
	return 1 << 30
}

// first returns the batch to be sent next. If there is none, wake is when there may
// be one; zero: never.
func (s *sideline) first(now time.Time) (b *batch, wake time.Time) {
	for len(s.waiting) > 0 && s.waiting[0].wait.Ready(now) {
		s.add(heap.Pop(&s.waiting).(*batch), now)
	}
	if len(s.due) > 0 {
		return s.due[s.next()], wake
	}
	if len(s.waiting) > 0 {
		wake = s.waiting[0].wait.until
	}
	return nil, wake
}

// convicts tells whether a failure of a blamed batch on part shows that it is the batch's:
// part took others since it failed, for a record alone as many as count against it.
func (b *batch) convicts(part *partition) bool {
	return part.tookAt.After(b.failedAt) && (b.count > 1 || part.streak >= othersToBlame)
}

// belongsElsewhere tells whether another partition convicts a batch and part does not. What
// its whole had next to it goes through somewhere first, and may be all that does for long.
func (b *batch) belongsElsewhere(part *partition, now time.Time) bool {
	if b.blamed == 0 || b.queue.partition != nil || b.convicts(part) {
		return false
	}
	return slices.ContainsFunc(b.queue.topic.partitions, func(other *partition) bool {
		return b.convicts(other) && other.ready(now)
	})
}

// mostPostponed bounds how often a batch is postponed in a row: with nothing else to
// send, it is all that can show whether the partition takes batches again.
const mostPostponed = 10

// postpone lets b wait on if it is blamed and a failure would show nothing.
func (b *batch) postpone(part *partition, now time.Time, wait func(int) time.Duration) bool {
	if b.blamed == 0 || b.convicts(part) || b.postponed >= mostPostponed {
		return false
	}
	b.postponed++
	b.wait.until = now.Add(wait(1))
	return true
}

// next is the index of the batch that is the next: the first, and each fourth time the
// last, so that none waits for ever.
func (s *sideline) next() int {
	if s.taken%sideShare == sideShare-1 {
		return len(s.due) - 1
	}
	return 0
}

// pop removes the batch that first returned.
func (s *sideline) pop() {
	i := s.next()
	s.due = slices.Delete(s.due, i, i+1)
	s.taken++
}

// takeAll empties the line.
func (s *sideline) takeAll() (all []*batch) {
	all = append(s.due, s.waiting...)
	s.due, s.waiting = nil, nil
	return all
}

// waitHeap has the batch first whose wait is over first.
type waitHeap []*batch

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(i, j int) bool { return h[i].wait.until.Before(h[j].wait.until) }
func (h waitHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *waitHeap) Push(b any)        { *h = append(*h, b.(*batch)) }
func (h *waitHeap) Pop() any {
	old := *h
	b := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return b
}
