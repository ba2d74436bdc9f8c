package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/simkafka"
)

// FromSeed makes the scenario of a seed; family "" is any.
func FromSeed(seed uint64, family string) *Scenario {
	r := rand.New(rand.NewPCG(seed, 0))
	s := &Scenario{Seed: seed, Nodes: 1 + r.IntN(3), Latency: time.Duration(1+r.IntN(30)) * time.Millisecond}
	s.Set("retry_backoff", "1s")
	s.Set("retry_backoff_max", "30s")
	s.Set("compression", pick(r, "none", "none", "none", "gzip", "snappy", "lz4", "zstd"))
	s.Set("partitioner", pick(r, "uniform", "uniform", "round_robin", "key_hash"))
	s.Set("message_key_field", "k")
	s.Set("buffer_limit", pick(r, "1M", "8M", "32M", "32M"))
	s.Set("healthcheck", pick(r, "on", "off"))
	if r.IntN(2) == 0 {
		s.Flush = 50 * time.Millisecond
	}
	at := r.IntN(100)
	for _, f := range families {
		if at -= f.weight; family == f.name || family == "" && at < 0 {
			s.Family = f.name
			f.make(s, r)
			break
		}
	}
	slices.SortStableFunc(s.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return s
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return (from + time.Duration(r.Float64()*float64(to-from))).Round(time.Millisecond)
}

// addLogstores adds some logstores, with an input each.
func (s *Scenario) addLogstores(r *rand.Rand, n int, load Load, pause time.Duration) {
	for i := range n {
		l := Logstore{Name: "demo", Shards: 1 + r.IntN(8)}
		if i > 0 {
			l.Name = fmt.Sprintf("ls-%d", i)
			s.Set("logstore_key", "ns")
		}
		s.Logstores = append(s.Logstores, l)
		s.Inputs = append(s.Inputs, Input{Logstore: l.Name, Load: load, Pause: pause})
	}
}

func (s *Scenario) addPoison(r *rand.Rand, err *kerr.Error) {
	in := &s.Inputs[r.IntN(len(s.Inputs))]
	in.Poison = s.Duration / 4
	s.Faults = append(s.Faults, &simkafka.Fault{Kind: simkafka.Poison, Until: 1000 * time.Hour, Node: -1, Partition: -1, Err: err})
}

var refusals = []*kerr.Error{kerr.KafkaStorageError, kerr.ThrottlingQuotaExceeded, kerr.NotEnoughReplicas, kerr.NetworkException, kerr.UnknownServerError,
	kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition, kerr.CorruptMessage, kerr.InvalidRecord, kerr.RequestTimedOut, kerr.NotLeaderForPartition}

var kinds = []simkafka.Kind{simkafka.Refuse, simkafka.Refuse, simkafka.Refuse, simkafka.Refuse, simkafka.Landed, simkafka.Ask, simkafka.NoTopic, simkafka.NoLeader, simkafka.Flap,
	simkafka.Silence, simkafka.Cut, simkafka.CutAfter, simkafka.Delay, simkafka.DialRefused, simkafka.DialHang, simkafka.TooLarge, simkafka.Codec, simkafka.Throttle}

func (s *Scenario) addFault(r *rand.Rand) {
	f := &simkafka.Fault{Kind: pick(r, kinds...), Node: -1, Partition: -1, From: between(r, s.Duration/10, s.Duration*6/10)}
	f.Until = min(f.From+pick(r, 500*time.Millisecond, 3*time.Second, 30*time.Second, s.Duration/4, s.Duration), s.Duration*9/10).Round(time.Millisecond)
	switch f.Kind {
	case simkafka.Refuse:
		f.Err = pick(r, refusals...)
		s.aim(f, r)
		if f.Err == kerr.TopicAuthorizationFailed {
			f.Partition = -1
		}
		s.bound3(f, r)
	case simkafka.Landed:
		f.Err = pick(r, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend)
		s.aim(f, r)
		s.bound3(f, r)
	case simkafka.Ask:
		f.Err = pick(r, kerr.UnknownTopicOrPartition, kerr.TopicAuthorizationFailed, kerr.LeaderNotAvailable)
		s.aim(f, r)
		f.Partition = -1
	case simkafka.NoTopic:
		s.aim(f, r)
		f.Partition = -1
	case simkafka.NoLeader, simkafka.Flap:
		s.aim(f, r)
	case simkafka.Delay:
		f.Delay = between(r, 100*time.Millisecond, 20*time.Second)
		f.Node = int32(r.IntN(s.Nodes))
	case simkafka.Throttle:
		f.Delay = pick(r, 100*time.Millisecond, time.Second, 4*time.Second, 24*24*time.Hour)
		f.Until = f.From + 3*time.Second
	case simkafka.TooLarge:
		f.Size = 1000 + r.IntN(50_000)
	case simkafka.Codec:
		f.Codec = 1 + r.IntN(4)
	default:
		if r.IntN(2) == 0 {
			f.Node = int32(r.IntN(s.Nodes))
		}
		if f.Kind == simkafka.Cut || f.Kind == simkafka.CutAfter {
			f.Count = r.IntN(3) * (1 + r.IntN(5))
		}
	}
	s.Faults = append(s.Faults, f)
}

// aim chooses what a fault is about.
func (s *Scenario) aim(f *simkafka.Fault, r *rand.Rand) {
	if r.IntN(4) == 0 {
		return
	}
	l := &s.Logstores[r.IntN(len(s.Logstores))]
	f.Topic = l.Topic()
	if r.IntN(2) == 0 {
		f.Partition = int32(r.IntN(l.Shards))
	}
}

// bound3 lets some faults meet a few tries only.
func (s *Scenario) bound3(f *simkafka.Fault, r *rand.Rand) {
	if r.IntN(3) > 0 {
		return
	}
	f.Count = 1 + r.IntN(3)*r.IntN(4)
	if f.Topic != "" && f.Partition < 0 {
		f.Count = s.Logstore(f.Topic).Shards // one request
		f.Until = f.From + 3*time.Second
	}
}

func (s *Scenario) addEvent(r *rand.Rand) {
	l := &s.Logstores[r.IntN(len(s.Logstores))]
	e := Event{At: between(r, s.Duration/10, s.Duration*8/10), Topic: l.Topic()}
	switch r.IntN(5) {
	case 0:
		e.Kind, e.To = Split, l.Shards+2
	case 1:
		e.Kind, e.To = Merge, max(1, l.Shards-1)
	case 2:
		e.Kind, e.Partition = Readonly, int32(r.IntN(l.Shards))
	default:
		e.Kind, e.Partition, e.To = Lead, int32(r.IntN(l.Shards)), r.IntN(s.Nodes)
	}
	s.Events = append(s.Events, e)
}
