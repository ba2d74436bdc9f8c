package sim

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/simkafka"
)

// readonlyError is what writes to a read-only shard are answered with.
var readonlyError = kerr.PolicyViolation

// maxAge and maxAhead are the times that a cluster with CheckAge takes, as SLS does.
const maxAge, maxAhead = 7 * 24 * time.Hour, 15 * time.Minute

// early is how long a record is refused because the node's clock is ahead.
func (s *Scenario) early() time.Duration {
	if !s.CheckAge {
		return 0
	}
	return max(0, s.Skew-maxAhead)
}

// trouble is what was wrong with a topic's way at some time, as far as the scenario says.
type trouble struct {
	whole      bool
	partitions map[int32]bool // single ones; nil: none
}

// lasting is how long a fault may be felt after its end: what failed waits as long
// again as the fault lasted, retry_backoff_max and its jitter at most.
func lasting(f *simkafka.Fault) time.Duration {
	return min(40*time.Second, (f.Until-f.From)*6/5+3*time.Second) + unseen(f)
}

// unseen is how long it may take to see that a request failed.
func unseen(f *simkafka.Fault) time.Duration {
	switch f.Kind {
	case simkafka.Silence, simkafka.DialHang:
		return 16 * time.Second // request_timeout, and the margin for the answer
	case simkafka.Delay:
		return f.Delay
	case simkafka.Throttle:
		// The client looks each 30 s for connections that are idle for 30 s, and closes them.
		return min(f.Delay, 61*time.Second)
	}
	return 0
}

// troubled tells what was wrong with a topic between two moments.
func (s *Scenario) troubled(topic string, from, to time.Duration) (t trouble) {
	for _, f := range s.Faults {
		if to < f.From || from >= f.Until+lasting(f) || f.Topic != "" && f.Topic != topic && f.Kind != simkafka.Delay { // a request has batches of several topics
			continue
		}
		switch f.Kind {
		case simkafka.Poison:
			// concerns one record
		case simkafka.TooLarge, simkafka.Codec:
			t.whole = t.whole || from < f.From+20*time.Second // until it is learnt
		default:
			t.add(f.Partition, s.Logstore(topic))
		}
	}
	for _, e := range s.Events {
		switch {
		case e.Kind == Close:
			t.whole = t.whole || to >= e.At
		case e.Kind == Rotate:
			t.whole = t.whole || to >= e.At && from < e.At+45*time.Second
		case e.changesOutput():
			t.whole = t.whole || to >= e.At && from < e.At+e.away()
		case e.Topic != topic:
		case e.Kind == Remove:
			t.whole = t.whole || to >= e.At
		case e.Kind == Readonly:
			if to >= e.At {
				t.add(e.Partition, s.Logstore(topic))
			}
		default:
			t.whole = t.whole || to >= e.At && from < e.At+10*time.Second
		}
	}
	if l := s.Logstore(topic); l != nil && (l.From > 0 && from < l.From+45*time.Second || len(t.partitions) >= s.fewestShards(topic)) {
		t.whole = true
	}
	return t
}

// changesOutput tells whether another output comes.
func (e *Event) changesOutput() bool {
	return e.Kind == Restart || e.Kind == Reload || e.Kind == Kill || e.Kind == PowerCut
}

// away is how long an event may be felt that changes the output.
func (e *Event) away() time.Duration { return time.Duration(e.To)*time.Second + 45*time.Second }

// add notes a partition, or all of them where it is below 0.
func (t *trouble) add(partition int32, l *Logstore) {
	if partition < 0 || l == nil {
		t.whole = true
		return
	}
	if t.partitions == nil {
		t.partitions = make(map[int32]bool)
	}
	t.partitions[partition] = true
}

// any tells whether anything was wrong.
func (t trouble) any() bool { return t.whole || t.partitions != nil }

// over is when nothing is wrong with a topic any more.
func (s *Scenario) over(topic string) (at time.Duration) {
	for _, f := range s.Faults {
		if f.Kind != simkafka.Poison && (f.Topic == "" || f.Topic == topic) {
			at = max(at, f.Until+lasting(f))
		}
	}
	for _, e := range s.Events {
		if e.changesOutput() {
			at = max(at, e.At+e.away())
		} else if e.Topic == "" || e.Topic == topic {
			at = max(at, e.At+45*time.Second)
		}
	}
	if l := s.Logstore(topic); l != nil && l.From > 0 {
		at = max(at, l.From+45*time.Second)
	}
	return at
}

// forever tells whether a topic's records may be there no place for in the end.
func (s *Scenario) forever(topic string) bool {
	for _, e := range s.Events {
		if e.Topic == topic && e.Kind == Remove {
			return true
		}
	}
	shards := len(s.readonly(topic))
	return shards > 0 && (s.bound() || shards >= s.fewestShards(topic))
}

// readonly are the shards of a topic that are read-only in the end.
func (s *Scenario) readonly(topic string) map[int32]bool {
	shards := make(map[int32]bool)
	for _, e := range s.Events {
		if e.Topic == topic && e.Kind == Readonly {
			shards[e.Partition] = true
		}
	}
	return shards
}

// fewestShards is how many shards a topic has at least.
func (s *Scenario) fewestShards(topic string) int {
	n := s.Logstore(topic).Shards
	for _, e := range s.Events {
		if e.Topic == topic && e.Kind == Merge {
			n = min(n, e.To)
		}
	}
	return n
}

// bound tells whether records have a partition of their own.
func (s *Scenario) bound() bool {
	p := s.Properties()["partitioner"]
	return p == "round_robin" || p == "key_hash"
}
