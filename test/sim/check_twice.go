package sim

import "out_sls_kafka/test/simkafka"

// unanswered are the faults after which a client cannot know whether records landed.
var unanswered = map[simkafka.Kind]bool{
	simkafka.Landed: true, simkafka.Silence: true, simkafka.Cut: true, simkafka.CutAfter: true, simkafka.CutLarge: true, simkafka.Delay: true,
}

// checkTwice: records land once where every request has an answer that is true.
func (w *world) checkTwice() {
	for _, f := range w.Faults {
		if unanswered[f.Kind] {
			return
		}
	}
	for _, e := range w.Events {
		if e.Kind == Rotate { // connections with the old pair are closed, whatever is on them
			return
		}
	}
	for _, c := range w.chunks {
		w.cluster.Account(c.number, func(a *simkafka.Account) {
			for i, n := range a.Landed {
				if n > 1 {
					w.violate("twice", "record %d of chunk %d of %s landed %d times, though no answer was missing", i, c.number, c.topic, n)
					return
				}
			}
		})
	}
}
