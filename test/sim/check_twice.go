package sim

import "out_sls_kafka/test/simkafka"

// unanswered are the faults after which a client cannot know whether records landed.
var unanswered = map[simkafka.Kind]bool{
	simkafka.Landed: true, simkafka.Silence: true, simkafka.Cut: true, simkafka.CutAfter: true, simkafka.CutLarge: true, simkafka.Delay: true,
}

// answersAreTrue tells whether the client can know what became of each of its requests.
func (s *Scenario) answersAreTrue() bool {
	for _, f := range s.Faults {
		if unanswered[f.Kind] {
			return false
		}
	}
	for _, e := range s.Events {
		if e.Kind == Rotate { // connections with the old pair are closed, whatever is on them
			return false
		}
	}
	return true
}

// checkTwice: records land once where every request has an answer that is true, and once
// more for each end of an output at which they were not done: see noteEnd.
func (w *world) checkTwice() {
	if !w.answersAreTrue() {
		return
	}
	for _, c := range w.chunks {
		w.cluster.Account(c.number, func(a *simkafka.Account) {
			for i, n := range a.Landed {
				if int(n) > 1+c.again {
					w.violate("twice", "record %d of chunk %d of %s landed %d times, though no answer was missing and it may be sent %d times", i, c.number, c.topic, n, 1+c.again)
					return
				}
			}
		})
	}
}

// noteEnd notes which chunks the next output may send again: those that Fluent Bit gives it
// for want of a result, and those that it finds in the spool, where a power cut may have lost
// the mark that they are done.
func (w *world) noteEnd(cut bool) {
	n := w.shelf.look(w.disk)
	in := n.undone
	if cut {
		in = n.possible
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.chunks {
		c.again += in[c.key]
		if c.settled == 0 {
			c.again++
			if !w.diskWell(w.now()-closingTime, w.now()+closingTime) {
				c.again++ // it may be there, though storing it failed
			}
		}
	}
}
