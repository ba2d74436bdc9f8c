package sls

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Faults that are no Kafka error.
const (
	AckDelay                = "ACK_DELAY"                  // see DelayAcks
	ConnectionCut           = "CONNECTION_CUT"             // a request of any kind is not served, its connection ends
	ConnectionCutAfterWrite = "CONNECTION_CUT_AFTER_WRITE" // a write lands, but its connection ends instead of the answer
)

// errCut ends a connection for a fault.
var errCut = errors.New("the connection is cut by a fault")

// refusals are the rows of the error table in Alibaba's page on Kafka upload. Those about the logstore are answered to
// Metadata too, since SLS would not list its shards.
var refusals = []refusal{
	{kerr.NetworkException, false},
	{kerr.TopicAuthorizationFailed, true},
	{kerr.UnknownTopicOrPartition, true},
	{kerr.KafkaStorageError, false},
}

type refusal struct {
	err      *kerr.Error
	metadata bool
}

// FaultNames are the names a Fault may have.
func FaultNames() []string {
	var names []string
	for _, r := range refusals {
		names = append(names, r.err.Message)
	}
	return append(names, AckDelay, ConnectionCut, ConnectionCutAfterWrite)
}

// Fault is something that goes wrong from SetFault on.
type Fault struct {
	Name     string        // of FaultNames: a Kafka error, with which writes are answered, or one of the constants
	Logstore string        // whose requests it meets; empty for all. Not for AckDelay and ConnectionCut
	Count    int           // requests it meets before it ends by itself; 0 for no end. Not for AckDelay
	Delay    time.Duration // for AckDelay alone
	Hits     int           // requests met so far; SetFault begins at 0
}

// check says what is wrong with a fault.
func (f *Fault) check() error {
	switch {
	case !slices.Contains(FaultNames(), f.Name):
		return fmt.Errorf("fault %q: want one of %s", f.Name, strings.Join(FaultNames(), ", "))
	case f.Name == AckDelay && f.Delay <= 0:
		return fmt.Errorf("fault %s: want a delay of more than 0, such as 3s", f.Name)
	case f.Name != AckDelay && f.Delay != 0:
		return fmt.Errorf("fault %s: only %s has a delay", f.Name, AckDelay)
	case f.Name == AckDelay && f.Count != 0:
		return fmt.Errorf("fault %s: it has no count, it lasts until it is switched off", f.Name)
	case f.Count < 0:
		return fmt.Errorf("fault %s: count %d, want how many requests, or 0 for no end", f.Name, f.Count)
	case f.Logstore != "" && (f.Name == AckDelay || f.Name == ConnectionCut):
		return fmt.Errorf("fault %s: it meets whole connections, not one logstore", f.Name)
	}
	return nil
}

// faults are those switched on, but AckDelay, which is DelayAcks's.
type faults struct {
	mu sync.Mutex
	on []Fault
}

// SetFault switches a fault on, or on again with other settings. Where several would answer the same write, the first
// of FaultNames does.
func (e *Endpoint) SetFault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Logstore != "" {
		if _, ok := e.logstore(f.Logstore); !ok {
			return fmt.Errorf("fault %s: logstore %q does not exist", f.Name, f.Logstore)
		}
	}
	if f.Name == AckDelay {
		e.DelayAcks(f.Delay)
		return nil
	}
	f.Hits = 0
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.remove(f.Name)
	e.faults.on = append(e.faults.on, f)
	return nil
}

// ClearFault switches a fault off and reports whether it was on.
func (e *Endpoint) ClearFault(name string) bool {
	if name == AckDelay {
		on := e.delay.current() > 0
		e.DelayAcks(0)
		return on
	}
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	return e.faults.remove(name)
}

// Faults are those switched on now.
func (e *Endpoint) Faults() []Fault {
	e.faults.mu.Lock()
	on := slices.Clone(e.faults.on)
	e.faults.mu.Unlock()
	if d := e.delay.current(); d > 0 {
		on = append(on, Fault{Name: AckDelay, Delay: d, Hits: e.delay.held()})
	}
	slices.SortFunc(on, func(a, b Fault) int { return cmp.Compare(a.Name, b.Name) })
	return on
}

// remove is called with mu held.
func (f *faults) remove(name string) bool {
	before := len(f.on)
	f.on = slices.DeleteFunc(f.on, func(on Fault) bool { return on.Name == name })
	return len(f.on) < before
}

// meet reports whether a request about these topics meets a fault, and if so counts it.
func (f *faults) meet(name string, topics []string) (met Fault, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.on, func(on Fault) bool { return on.Name == name })
	if i < 0 || f.on[i].Logstore != "" && !slices.ContainsFunc(topics, f.on[i].concerns) {
		return Fault{}, false
	}
	f.on[i].Hits++
	met = f.on[i]
	if met.Hits == met.Count {
		f.remove(name)
	}
	return met, true
}

// refuse finds the errors with which faults answer a request about these topics. Only faults that answer one count it.
func (f *faults) refuse(topics []string, answers func(refusal) bool) map[string]*kerr.Error {
	var refused map[string]*kerr.Error
	left := slices.Clone(topics)
	for _, r := range refusals {
		if len(left) == 0 || !answers(r) {
			continue
		}
		fault, met := f.meet(r.err.Message, left)
		if !met {
			continue
		}
		if refused == nil {
			refused = make(map[string]*kerr.Error)
		}
		left = slices.DeleteFunc(left, func(topic string) bool {
			if fault.concerns(topic) {
				refused[topic] = r.err
			}
			return fault.concerns(topic)
		})
	}
	return refused
}

// concerns reports whether the fault is about a topic's logstore.
func (f Fault) concerns(topic string) bool {
	return f.Logstore == "" || f.Logstore == strings.TrimSuffix(topic, jsonSuffix)
}
