package sim

import (
	"time"

	"out_sls_kafka/test/simkafka"
)

// tellTroubleWithin is how long the output may take to see that a logstore is in trouble,
// or is well again: as long as the longest wait between two tries, and its jitter.
const tellTroubleWithin = 45 * time.Second

// checkTroubles: as many logstores are in trouble by the metrics as by the cluster.
func (w *world) checkTroubles() {
	if !w.Expect.Troubles || w.closed {
		return
	}
	least, most := 0, 0
	for i := range w.Inputs {
		topic := w.Inputs[i].Logstore + ".json"
		if w.refusesAll(topic, w.now()-tellTroubleWithin) && w.refusesAll(topic, w.now()) {
			least++
		}
		if w.troubled(topic, w.now()-tellTroubleWithin, w.now()).whole {
			most++
		}
	}
	if n := int(w.numbers.of("logstores_in_trouble")); n < least || n > most {
		w.violate("troubles", "%d logstores in trouble by the metrics, %d to %d by the cluster", n, least, most)
	}
	if up := w.numbers.of("up"); up != 1 && most < len(w.Inputs) && w.now() < w.Duration {
		w.violate("up", "up is %v, though %d of %d logstores get their records", up, len(w.Inputs)-most, len(w.Inputs))
	}
}

// refusesAll tells whether the cluster takes nothing for a topic at a time.
func (s *Scenario) refusesAll(topic string, at time.Duration) bool {
	for _, f := range s.Faults {
		if f.Kind == simkafka.Refuse && f.Topic == topic && f.Partition < 0 && f.From <= at && at < f.Until {
			return true
		}
	}
	for _, e := range s.Events {
		if e.Kind == Remove && e.Topic == topic && e.At <= at {
			return true
		}
	}
	l := s.Logstore(topic)
	return l != nil && l.From > max(at, 0) && at > 0
}
