package sim

import "time"

// checkFresh: what is wrong with other records holds these up hardly at all.
func (w *world) checkFresh() {
	limit, n, slow, worst := w.Expect.FreshWithin, 0, 0, time.Duration(0)
	if limit == 0 {
		return
	}
	for _, c := range w.chunks {
		if !c.fresh || w.troubled(c.topic, c.offered, c.offered+limit).any() {
			continue
		}
		n++
		if took := w.took(c); took > limit {
			slow++
			worst = max(worst, took)
		}
	}
	if slow > n/100 {
		w.violate("fresh", "%d of %d fresh chunks took longer than %v, %v the longest", slow, n, limit, worst)
	}
}
