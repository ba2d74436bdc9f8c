package simkafka

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Kind is what a fault does.
type Kind string

// The kinds of faults.
const (
	Refuse      Kind = "refuse"       // writes get Err
	Landed      Kind = "landed"       // writes land and get Err
	Ask         Kind = "ask"          // metadata says Err for the topic or partition, writes get it too
	NoTopic     Kind = "no-topic"     // metadata does not mention the topic
	NoLeader    Kind = "no-leader"    // metadata knows no leader, writes get NOT_LEADER_FOR_PARTITION
	Flap        Kind = "flap"         // metadata names one leader after the other, writes get NOT_LEADER_FOR_PARTITION
	Silence     Kind = "silence"      // requests are neither taken nor answered, nor is what follows on their connection
	Cut         Kind = "cut"          // requests are not taken, their connection is reset
	CutAfter    Kind = "cut-after"    // writes land, then their connection is reset
	CutLarge    Kind = "cut-large"    // requests over Size bytes are not taken, their connection is reset
	Delay       Kind = "delay"        // requests are taken and answered Delay later
	DialRefused Kind = "dial-refused" // connections are refused
	DialHang    Kind = "dial-hang"    // connections are neither made nor refused
	CutPoison   Kind = "cut-poison"   // requests with a poisoned record are not taken, their connection is reset
	Poison      Kind = "poison"       // batches with a poisoned record get Err
	TooLarge    Kind = "too-large"    // batches over Size bytes get MESSAGE_TOO_LARGE
	Codec       Kind = "codec"        // batches of this Codec get UNSUPPORTED_COMPRESSION_TYPE
	Throttle    Kind = "throttle"     // answers say that the client is throttled for Delay
	Expired     Kind = "expired"      // any password is let in; with one that is not current, all topics get TOPIC_AUTHORIZATION_FAILED
)

var kinds = []Kind{Refuse, Landed, Ask, NoTopic, NoLeader, Flap, Silence, Cut, CutAfter, CutLarge, CutPoison, Delay, DialRefused, DialHang, Poison, TooLarge, Codec, Throttle, Expired}

// Fault is in force from one moment to another, at one place or many. With a topic
// or a partition, silence, cut, delay and throttle concern the writes to it alone.
type Fault struct {
	Kind        Kind
	From, Until time.Duration // since Start; Until 0: to the end
	Node        int32         // -1: any
	Topic       string        // "": any
	Partition   int32         // -1: any
	Err         *kerr.Error
	Delay       time.Duration
	Count       int // requests it meets at most; 0: any
	Size        int // for TooLarge and CutLarge
	Codec       int // for Codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd

	met int // requests it has met; the lock of its cluster guards it
}

// String is the fault as ParseFault reads it.
func (f *Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	add := func(key string, value any, set bool) {
		if set {
			fmt.Fprintf(&b, " %s=%v", key, value)
		}
	}
	if f.Err != nil {
		add("err", f.Err.Message, true)
	}
	add("topic", f.Topic, f.Topic != "")
	add("partition", f.Partition, f.Partition >= 0)
	add("node", f.Node, f.Node >= 0)
	add("from", f.From, f.From != 0)
	add("until", f.Until, f.Until != 0)
	add("delay", f.Delay, f.Delay != 0)
	add("count", f.Count, f.Count != 0)
	add("size", f.Size, f.Size != 0)
	add("codec", f.Codec, f.Codec != 0)
	return b.String()
}

// ParseFault reads a fault: its kind, then key=value for what is not the default, as
// in "refuse err=NOT_LEADER_FOR_PARTITION topic=demo partition=1 from=10s until=40s".
func ParseFault(text string) (*Fault, error) {
	f := &Fault{Node: -1, Partition: -1}
	for i, word := range strings.Fields(text) {
		if i == 0 {
			f.Kind = Kind(word)
			continue
		}
		key, value, _ := strings.Cut(word, "=")
		if err := f.set(key, value); err != nil {
			return nil, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "err":
		f.Err, err = errorNamed(value)
	case "topic":
		f.Topic = value
	case "partition":
		f.Partition, err = number(value)
	case "node":
		f.Node, err = number(value)
	case "from":
		f.From, err = time.ParseDuration(value)
	case "until":
		f.Until, err = time.ParseDuration(value)
	case "delay":
		f.Delay, err = time.ParseDuration(value)
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "size":
		f.Size, err = strconv.Atoi(value)
	case "codec":
		f.Codec, err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("%q is not a property", key)
	}
	return err
}

func number(value string) (int32, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	return int32(n), err
}

// errorNamed finds an error of Kafka by its name. Kafka's codes have no gaps; one
// that the client library does not know it takes for UNKNOWN_SERVER_ERROR, which is -1.
func errorNamed(name string) (*kerr.Error, error) {
	unknown := kerr.UnknownServerError
	for code := unknown.Code; ; code++ {
		switch e := kerr.TypedErrorForCode(code); {
		case e != nil && e.Message == name:
			return e, nil
		case e == unknown && code > 0:
			return nil, fmt.Errorf("%q is not an error of Kafka", name)
		}
	}
}

// check says what a fault lacks.
func (f *Fault) check() error {
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("%q is not a kind of fault", f.Kind)
	case f.Err == nil && slices.Contains([]Kind{Refuse, Landed, Ask, Poison}, f.Kind):
		return fmt.Errorf("a fault of kind %s needs an error", f.Kind)
	}
	return nil
}

// place is where a fault may be met, as far as a request says it.
type place struct {
	node      int32
	topic     string // "": none
	partition int32  // -1: none
	size      int    // of the batch, or of the request
	codec     int
}

// concerns says whether a fault is in force at a place.
func (f *Fault) concerns(at time.Duration, p place) bool {
	switch {
	case at < f.From || at >= cmp.Or(f.Until, at+1),
		f.Node >= 0 && f.Node != p.node,
		f.Topic != "" && f.Topic != p.topic,
		f.Partition >= 0 && f.Partition != p.partition,
		(f.Kind == TooLarge || f.Kind == CutLarge) && p.size <= f.Size,
		f.Kind == Codec && p.codec != f.Codec:
		return false
	}
	return true
}
