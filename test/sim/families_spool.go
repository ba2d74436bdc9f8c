package sim

import (
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/simkafka"
)

// spoolFamily: an output with a spool on a disk that is well; outages, missing logstores,
// and whatever else may be wrong with the service.
func spoolFamily(s *Scenario, r *rand.Rand) {
	s.spooling(r)
	for range 1 + r.IntN(2) {
		s.addOutage(r)
	}
	for range r.IntN(3) {
		s.addFault(r)
	}
	for range r.IntN(3) / 2 {
		s.addEvent(r)
	}
	if n := len(s.Logstores); n > 1 && r.IntN(2) == 0 {
		s.Logstores[1+r.IntN(n-1)].From = pick(r, between(r, s.Duration*3/10, s.Duration*6/10), never)
	}
}

// diskFamily: outages while the disk is full, slow, fails or hangs, or the limit is reached.
func diskFamily(s *Scenario, r *rand.Rand) {
	s.spooling(r)
	for range 1 + r.IntN(2) {
		s.addOutage(r)
	}
	if r.IntN(4) == 0 {
		s.fillLimit(r)
	}
	for range 1 + r.IntN(3) {
		s.addDiskFault(r)
	}
	if r.IntN(3) == 0 {
		s.addFault(r)
	}
}

// livesFamily: outputs that end in the middle of an outage, or of the delivery after it, and
// begin again on the same disk.
func livesFamily(s *Scenario, r *rand.Rand) {
	s.spooling(r)
	for range 1 + r.IntN(3) {
		s.addOutage(r)
	}
	if r.IntN(3) == 0 {
		s.addFault(r)
	}
	for range r.IntN(5) / 2 {
		s.addDiskFault(r)
	}
	if r.IntN(8) == 0 {
		s.fillLimit(r)
	}
	for at, lives := between(r, 5*time.Second, s.Duration/2), 1+r.IntN(5); lives > 0 && at < s.Duration*7/10; lives-- {
		s.Events = append(s.Events, Event{At: at, Kind: pick(r, Restart, Reload, Kill, PowerCut, PowerCut), To: r.IntN(4)})
		at += 20*time.Second + between(r, 0, s.Duration/4)
	}
	if n := len(s.Logstores); n > 1 && r.IntN(3) == 0 {
		s.Logstores[1+r.IntN(n-1)].From = pick(r, between(r, s.Duration*3/10, s.Duration*6/10), never)
	}
}

// spooling are an output with a spool, and inputs for it.
func (s *Scenario) spooling(r *rand.Rand) {
	s.Spool = true
	s.Duration = between(r, 2*time.Minute, 8*time.Minute)
	s.Set("max_held_chunks", pick(r, "0", "4", "16", "16"))
	s.addLogstores(r, 1+r.IntN(4), pick(r, Light, Light, Steady, Trickle), between(r, 100*time.Millisecond, time.Second))
	for i := range s.Inputs {
		s.Inputs[i].Pause *= time.Duration(len(s.Inputs))
	}
}

// fillLimit lets more come in an outage than the spool may take.
func (s *Scenario) fillLimit(r *rand.Rand) {
	s.Set("spool_limit", "16M")
	s.Set("buffer_limit", "32M")
	s.Inputs = append(s.Inputs, Input{Logstore: "demo", Load: Fixed, Records: 100 + r.IntN(200), Size: 1000, Pause: 500 * time.Millisecond})
}

// addOutage lets the service, or some of it, take nothing for long.
func (s *Scenario) addOutage(r *rand.Rand) {
	f := &simkafka.Fault{Kind: simkafka.Refuse, Node: -1, Partition: -1, From: between(r, 5*time.Second, s.Duration*4/10)}
	f.Until = min(f.From+between(r, 10*time.Second, s.Duration/2), s.Duration*7/10)
	switch r.IntN(8) {
	case 0:
		f.Kind = simkafka.Silence
	case 1:
		f.Kind = simkafka.Cut
		s.Faults = append(s.Faults, &simkafka.Fault{Kind: simkafka.DialRefused, Node: -1, Partition: -1, From: f.From, Until: f.Until})
	case 2:
		f.Kind = simkafka.DialHang
		s.Faults = append(s.Faults, &simkafka.Fault{Kind: simkafka.Silence, Node: -1, Partition: -1, From: f.From, Until: f.Until})
	case 3:
		f.Kind = simkafka.NoLeader
		s.aim(f, r)
	case 4: // nothing fails, and some of each chunk takes long
		f.Kind, f.Node, f.Delay = simkafka.Delay, int32(s.Nodes-1), between(r, 2*time.Second, 9*time.Second)
		s.Set("partitioner", "key_hash")
	default:
		f.Err = pick(r, kerr.KafkaStorageError, kerr.TopicAuthorizationFailed, kerr.ThrottlingQuotaExceeded, kerr.UnknownTopicOrPartition, kerr.NotEnoughReplicas)
		s.aim(f, r)
		if f.Err == kerr.TopicAuthorizationFailed {
			f.Partition = -1
		}
	}
	s.Faults = append(s.Faults, f)
}

func (s *Scenario) addDiskFault(r *rand.Rand) {
	d := DiskFault{Kind: pick(r, DiskFull, DiskFails, DiskFails, DiskSlow, DiskHangs), From: between(r, 0, s.Duration*6/10)}
	d.Until = min(d.From+pick(r, time.Second, 10*time.Second, 30*time.Second, s.Duration/3), s.Duration*8/10).Round(time.Millisecond)
	d.Op = pick(r, "write", "sync", "sync", "read", "create", "syncdir", "remove", "open", "list", "lock", "truncate")
	switch d.Kind {
	case DiskFull:
		d.Op, d.Room = "", r.IntN(2)*r.IntN(1<<20)
	case DiskSlow:
		d.Delay = between(r, 50*time.Millisecond, 5*time.Second)
		d.Op = pick(r, "sync", "sync", "write", "read")
	case DiskHangs:
		d.Op = pick(r, "sync", "sync", "write", "read", "create", "remove", "open", "list")
	case DiskFails:
	}
	s.Disk = append(s.Disk, d)
}
