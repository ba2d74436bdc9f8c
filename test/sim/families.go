package sim

import (
	"fmt"
	"math/rand/v2"
	"out_sls_kafka/test/simkafka"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// families make scenarios, each of its kind; weight is how often of a hundred.
var families = []struct {
	name   string
	weight int
	make   func(*Scenario, *rand.Rand)
}{
	{"mixed", 31, mixedFamily},
	{"stores", 6, storesFamily},
	{"busy", 12, busyFamily},
	{"old", 14, oldFamily},
	{"storm", 8, stormFamily},
	{"squeeze", 8, squeezeFamily},
	{"quiet", 5, quietFamily},
	{"wide", 3, wideFamily},
	{"longs", 2, longsFamily},
	{"closing", 2, closingFamily},
	{"spool", 3, spoolFamily},
	{"disk", 3, diskFamily},
	{"lives", 3, livesFamily},
}

// Families are the names of all families.
func Families() (names []string) {
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// mixedFamily: a few logstores, chunks of all sizes, up to three faults and some events.
func mixedFamily(s *Scenario, r *rand.Rand) {
	s.Duration = between(r, time.Minute, 10*time.Minute)
	if r.IntN(6) == 0 {
		s.Duration = between(r, 30*time.Minute, 2*time.Hour)
	}
	s.addLogstores(r, 1+r.IntN(4), pick(r, Light, Light, Light, Mixed), max(s.Duration/time.Duration(100+r.IntN(400)), 20*time.Millisecond))
	for range r.IntN(4) {
		s.addFault(r)
	}
	for range r.IntN(3) {
		s.addEvent(r)
	}
	if n := len(s.Logstores); n > 1 && r.IntN(3) == 0 {
		s.Logstores[1+r.IntN(n-1)].From = between(r, s.Duration*3/10, s.Duration*9/10)
	}
	if r.IntN(6) == 0 {
		s.addPoison(r, pick(r, kerr.UnknownServerError, kerr.InvalidRecord, kerr.KafkaStorageError, kerr.CorruptMessage))
	}
	if r.IntN(8) == 0 {
		s.Events = append(s.Events, Event{At: between(r, s.Duration/10, s.Duration*8/10), Kind: Rotate, To: 1})
	}
}

// never is when a logstore comes that does not.
const never = 1000 * time.Hour

// storesFamily: many logstores, and some of them are missing, come late, go, or refuse
// everything, with most of the load.
func storesFamily(s *Scenario, r *rand.Rand) {
	s.Duration = between(r, 3*time.Minute, 10*time.Minute)
	s.Set("logstore_key", "ns")
	s.Set("buffer_limit", pick(r, "8M", "32M"))
	s.Set("partitioner", "uniform")
	s.Expect = Expect{FreshWithin: 2 * time.Second, Troubles: true}
	n := 2 + r.IntN(30)
	bad := 1 + r.IntN((n+1)/2)
	s.Logstores = []Logstore{{Name: "demo", Shards: 2}}
	for i := range n {
		l := Logstore{Name: fmt.Sprintf("ls-%d", i), Shards: 1 + r.IntN(4)}
		in := Input{Logstore: l.Name, Load: Trickle, Pause: time.Second}
		if i < bad {
			in.Load, in.Pause = pick(r, Steady, Light), between(r, 50*time.Millisecond, 500*time.Millisecond)*time.Duration(bad)
			f := &simkafka.Fault{Kind: simkafka.Refuse, Topic: l.Topic(), Partition: -1, Node: -1, From: between(r, 0, s.Duration/3), Until: pick(r, between(r, s.Duration/2, s.Duration*9/10), never)}
			switch r.IntN(5) {
			case 0:
				l.From = never
			case 1:
				l.From = between(r, s.Duration/3, s.Duration*9/10)
			case 2:
				s.Events = append(s.Events, Event{At: between(r, s.Duration/10, s.Duration/2), Kind: Remove, Topic: l.Topic()})
			case 3:
				f.Err = kerr.ThrottlingQuotaExceeded
				s.Faults = append(s.Faults, f)
			default:
				f.Err = kerr.TopicAuthorizationFailed
				s.Faults = append(s.Faults, f)
			}
		}
		s.Logstores = append(s.Logstores, l)
		s.Inputs = append(s.Inputs, in)
	}
}

// busyFamily: as much as goes through, with an error of one shard, or of one record, for a while.
func busyFamily(s *Scenario, r *rand.Rand) {
	s.Set("partitioner", "uniform")
	s.Set("buffer_limit", "32M")
	s.Set("compression", "none")
	s.Logstores = []Logstore{{Name: "demo", Shards: 2 + r.IntN(7)}}
	s.Inputs = []Input{{Logstore: "demo", Load: Steady, Workers: 24, Pause: 150 * time.Millisecond}}
	s.Duration, s.Latency = 40*time.Second, 100*time.Millisecond
	f := &simkafka.Fault{Kind: simkafka.Refuse, Topic: "demo.json", Partition: int32(r.IntN(s.Logstores[0].Shards)), Node: -1, From: 15 * time.Second, Until: 35 * time.Second,
		Err: pick(r, kerr.KafkaStorageError, kerr.ThrottlingQuotaExceeded, kerr.NotEnoughReplicas, kerr.UnknownServerError, kerr.RequestTimedOut, kerr.NotLeaderForPartition, kerr.NetworkException)}
	switch r.IntN(4) {
	case 0:
		f.Kind, f.Err = simkafka.NoLeader, nil
	case 1:
		f.Kind, f.Partition, f.Topic, f.Err = simkafka.Poison, -1, "", pick(r, kerr.UnknownServerError, kerr.KafkaStorageError, kerr.InvalidRecord)
		s.Inputs = append(s.Inputs, Input{Logstore: "demo", Load: Steady, Pause: 3 * time.Second, Poison: 14 * time.Second})
	}
	s.Faults = append(s.Faults, f)
}

// oldFamily: records that are refused for their time, and fresh ones.
func oldFamily(s *Scenario, r *rand.Rand) {
	s.CheckAge, s.Named = true, r.IntN(4) == 0
	s.Duration, s.Latency = between(r, 2*time.Minute, 4*time.Minute), time.Duration(5+r.IntN(30))*time.Millisecond
	s.Set("buffer_limit", "32M")
	s.Logstores = []Logstore{{Name: "demo", Shards: 1 + r.IntN(8)}}
	s.Inputs = []Input{{Logstore: "demo", Load: Trickle, Pause: 200 * time.Millisecond}}
	bad := Input{Logstore: "demo", Load: Backlog, Lines: pick(r, 300, 3000, 30_000), Pause: 200 * time.Millisecond, From: 10 * time.Second, Shift: -weekOld}
	switch r.IntN(6) {
	case 0: // an application with a wrong time zone
		bad.Load, bad.Lines, bad.Pause, bad.Shift = Steady, 0, time.Second, 8*time.Hour
	case 1: // a clock that is 20 minutes fast
		s.Skew, bad = 20*time.Minute, Input{Logstore: "demo", Load: Steady, Pause: 3 * time.Second}
		s.Duration = 10 * time.Minute
	case 2: // an old record here and there
		bad.Load, bad.Lines, bad.Shift, bad.BadEvery = Steady, 0, 0, pick(r, 10, 70, 100)
	case 3: // one application ahead by half an hour
		bad.Load, bad.Lines, bad.Pause, bad.Shift, bad.Until = Steady, 0, 5*time.Second, 20*time.Minute, time.Minute
		s.Duration = 8 * time.Minute
	}
	if s.Skew == 0 {
		s.Expect.FreshWithin = 2 * time.Second
	}
	s.Inputs = append(s.Inputs, bad)
}

// stormFamily: everything is refused for a while.
func stormFamily(s *Scenario, r *rand.Rand) {
	s.Duration = 4 * time.Minute
	s.addLogstores(r, 1+r.IntN(3), pick(r, Light, Steady, Trickle), pick(r, 50*time.Millisecond, 500*time.Millisecond, 2*time.Second))
	s.Faults = append(s.Faults, &simkafka.Fault{Kind: simkafka.Refuse, Node: -1, Partition: -1, From: 20 * time.Second, Until: 20*time.Second + pick(r, 2*time.Second, 20*time.Second, 60*time.Second),
		Err: pick(r, kerr.InvalidRecord, kerr.CorruptMessage, kerr.UnknownServerError, kerr.PolicyViolation)})
	if r.IntN(3) == 0 {
		s.addPoison(r, kerr.InvalidRecord)
	}
}

// squeezeFamily: little room, much at once.
func squeezeFamily(s *Scenario, r *rand.Rand) {
	s.Set("buffer_limit", "1M")
	s.Set("compression", "none")
	s.Set("partitioner", "uniform")
	s.Latency, s.Duration = time.Duration(10+r.IntN(100))*time.Millisecond, between(r, 10*time.Second, 20*time.Second)
	s.addLogstores(r, 1+r.IntN(2), Squeeze, time.Duration(10+r.IntN(20))*time.Millisecond)
}

// quietFamily: an outage of a logstore that gets nothing more, while its shards are merged.
func quietFamily(s *Scenario, r *rand.Rand) {
	s.Duration = between(r, 40*time.Minute, 90*time.Minute)
	s.Set("buffer_limit", "32M")
	s.addLogstores(r, 2, Light, s.Duration/100)
	l := &s.Logstores[1]
	l.Name, l.Shards = "quiet", 3+r.IntN(5)
	s.Inputs[1].Logstore, s.Inputs[1].Until = l.Name, between(r, 5*time.Minute, 10*time.Minute)
	silent := s.Inputs[1].Until
	from, until := silent-between(r, 100*time.Second, 300*time.Second), s.Duration-between(r, 200*time.Second, 600*time.Second)
	s.Faults = append(s.Faults,
		&simkafka.Fault{Kind: simkafka.Refuse, Topic: l.Topic(), Partition: -1, Node: -1, From: from, Until: until, Err: kerr.KafkaStorageError},
		&simkafka.Fault{Kind: simkafka.Delay, Partition: -1, Node: -1, From: from, Until: until - between(r, 10*time.Second, 100*time.Second), Delay: between(r, time.Second, 8*time.Second), Topic: l.Topic()})
	for n := 1 + r.IntN(3); n > 0; n-- {
		s.Events = append(s.Events, Event{At: between(r, silent+620*time.Second, until), Kind: Merge, Topic: l.Topic(), To: n})
	}
}

// wideFamily: many logstores, each once with much, then an outage with little.
func wideFamily(s *Scenario, r *rand.Rand) {
	s.Set("compression", "none")
	s.Set("buffer_limit", "8M")
	s.Duration = 5 * time.Minute
	s.addLogstores(r, 60+r.IntN(60), Peak, 40*time.Second)
	for i := range s.Logstores {
		s.Logstores[i].Shards = 1
	}
	s.Faults = append(s.Faults, &simkafka.Fault{Kind: simkafka.Refuse, From: 2 * time.Minute, Until: 200 * time.Second, Node: -1, Partition: -1, Err: kerr.KafkaStorageError})
}

// longsFamily: a field that names no logstore, and is long.
func longsFamily(s *Scenario, r *rand.Rand) {
	s.Set("logstore_key", "ns")
	s.Set("compression", "none")
	s.Set("buffer_limit", "8M")
	s.Duration = time.Minute
	s.Logstores = []Logstore{{Name: "demo", Shards: 1 + r.IntN(8)}}
	s.Inputs = []Input{{Logstore: "demo", Load: Longs, Pause: time.Second}, {Logstore: "demo", Load: Trickle, Pause: time.Second}}
}

// closingFamily: the output is closed in the middle of a fault.
func closingFamily(s *Scenario, r *rand.Rand) {
	s.Duration = 90 * time.Second
	s.addLogstores(r, 1+r.IntN(3), Light, 300*time.Millisecond)
	s.addFault(r)
	s.Faults[0].From, s.Faults[0].Until = 30*time.Second, between(r, 40*time.Second, 80*time.Second)
	s.Events = append(s.Events, Event{At: between(r, 35*time.Second, 75*time.Second), Kind: Close})
}
