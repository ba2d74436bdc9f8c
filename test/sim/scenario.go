// Package sim runs an output of the plugin in simulated time: the whole of it,
// with the real Kafka client and TLS, against a cluster that knows each record. A
// scenario is made from a seed or read from a text, and what must hold at any time
// is checked all the while.
package sim

import (
	"time"

	"out_sls_kafka/test/simkafka"
)

// Scenario is all that is decided before a simulation begins. Its text form
// ([Scenario.String], [Parse]) is what is stored.
type Scenario struct {
	Family   string
	Seed     uint64 // of what the inputs give
	Nodes    int
	Latency  time.Duration // of each answer
	Duration time.Duration // of the inputs
	Skew     time.Duration // how far the node's clock is ahead of the cluster's
	MaxBatch int           // bytes that the cluster takes as one batch; 0: any
	CheckAge bool          // the cluster refuses records older than a week, or newer than 15 minutes
	Named    bool          // the cluster names refused records (KIP-467)
	Flush    time.Duration // how often the host ends lingering; 0: never
	Spool    bool          // the output has one, on a disk in memory

	Expect    Expect
	Options   []Option
	Logstores []Logstore
	Inputs    []Input
	Events    []Event
	Faults    []*simkafka.Fault
	Disk      []DiskFault
}

// Option is an option of the [OUTPUT] section.
type Option struct{ Key, Value string }

// Logstore is one that exists from some time on.
type Logstore struct {
	Name   string
	Shards int
	From   time.Duration
}

// Topic is the logstore's Kafka topic.
func (l *Logstore) Topic() string { return l.Name + ".json" }

// Input gives chunks for one logstore, as an input of Fluent Bit with a limit of
// its own does.
type Input struct {
	Logstore string
	Load     Load
	Pause    time.Duration // mean time between chunks
	From     time.Duration
	Until    time.Duration // 0: the end
	Lines    int           // of a backlog
	Records  int           // of a fixed chunk, or of one of a backlog; there 0: as many as make a megabyte
	Size     int           // of each of a fixed chunk
	Shift    time.Duration // of the records' time
	BadEvery int           // every n-th record is a week old (of fresh ones); 0: none
	Poison   time.Duration // from then on one record is poisoned; 0: none
	Workers  int           // that each wait for their chunk before the next; 0: nobody waits
}

// Load says what an input's chunks are like.
type Load string

// The kinds of [Load].
const (
	Mixed   Load = "mixed"   // from one short record to some of a megabyte
	Light   Load = "light"   // the same, of an eighth of the bytes
	Steady  Load = "steady"  // 100 records of 100 bytes
	Trickle Load = "trickle" // a short record
	Squeeze Load = "squeeze" // many short or some long records
	Backlog Load = "backlog" // Lines records of 60 bytes, in chunks of a megabyte, once
	Peak    Load = "peak"    // at first 90 records of 9 KB, then a short one
	Names   Load = "names"   // each record names a logstore of its own that does not exist
	Longs   Load = "longs"   // so with names of 100 KB
	Fixed   Load = "fixed"   // Records records of Size bytes
	Spread  Load = "spread"  // some records, each of another size up to nearly 2 MB
)

// Event changes the cluster, or the output.
type Event struct {
	At        time.Duration
	Kind      EventKind
	Topic     string
	Partition int32
	To        int // partitions, node, a number of the password, or seconds
}

// EventKind is what an event changes.
type EventKind string

// The kinds of [Event].
const (
	Split    EventKind = "split"    // the topic has To partitions
	Merge    EventKind = "merge"    // likewise, fewer
	Lead     EventKind = "lead"     // a partition's leader is node To
	Readonly EventKind = "readonly" // a partition is listed and takes nothing
	Remove   EventKind = "remove"   // the topic is gone
	Rotate   EventKind = "rotate"   // the AccessKey pair becomes number To, in the file as well
	Close    EventKind = "close"    // the output is closed
	Restart  EventKind = "restart"  // the process is signalled, ends in To seconds, and begins again
	Reload   EventKind = "reload"   // the output is closed, and another one started in the same process
	Kill     EventKind = "kill"     // the process is killed, and begins again To seconds later
	PowerCut EventKind = "powercut" // so is the machine: what was not synced may be lost
)

// Properties are the options as Fluent Bit has them.
func (s *Scenario) Properties() map[string]string {
	p := map[string]string{}
	for _, o := range s.Options {
		p[o.Key] = o.Value
	}
	return p
}

// Set sets an option.
func (s *Scenario) Set(key, value string) {
	for i := range s.Options {
		if s.Options[i].Key == key {
			s.Options[i].Value = value
			return
		}
	}
	s.Options = append(s.Options, Option{key, value})
}

// Logstore finds one by its topic.
func (s *Scenario) Logstore(topic string) *Logstore {
	for i := range s.Logstores {
		if s.Logstores[i].Topic() == topic {
			return &s.Logstores[i]
		}
	}
	return nil
}
