package sim

import (
	"time"

	"out_sls_kafka/test/simkafka"
)

// checkRecovery: after a fault, what waited goes on within about as long again as
// the fault lasted, and the longest wait at most.
func (w *world) checkRecovery() {
	for _, f := range w.Faults {
		due := f.Until + lasting(f) + 8*time.Second
		if f.Kind == simkafka.Poison || due > w.Duration {
			continue
		}
		for _, c := range w.chunks {
			if c.offered > f.Until || c.settled != 0 && c.settled <= due || f.Topic != "" && c.topic != f.Topic || c.anyBad || !c.fresh || w.others(f, c.topic, due) {
				continue
			}
			w.violate("recovery", "%v was over after %v; chunk %d of %s, %d records, was given %v before its end and settled %v after it", f, f.Until-f.From, c.number, c.topic, c.records, f.Until-c.offered, c.settled-f.Until)
			return
		}
	}
}

// others tells whether something else was in the way between the beginning of a fault and due.
func (s *Scenario) others(f *simkafka.Fault, topic string, due time.Duration) bool {
	for _, o := range s.Faults {
		if o != f && o.From < due && o.Until+lasting(o) > f.From {
			return true
		}
	}
	for _, e := range s.Events {
		if e.At < due && (e.At+45*time.Second > f.From || e.Kind == Readonly || e.Kind == Remove) {
			return true
		}
	}
	for _, l := range s.Logstores {
		if l.From > 0 && f.From < l.From+45*time.Second {
			return true
		}
	}
	return s.Family == "squeeze" || s.Family == "backlog"
}
