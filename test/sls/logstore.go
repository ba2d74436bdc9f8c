package sls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// jsonSuffix on a topic asks SLS to expand JSON; what precedes it is the logstore.
const jsonSuffix = ".json"

// logstoreName is SLS's rule: 3 to 63 lower-case letters, digits, - and _, a letter or digit at both ends.
var logstoreName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$`)

func checkLogstoreName(name string) error {
	if !logstoreName.MatchString(name) {
		return fmt.Errorf("logstore %q: a name has 3 to 63 characters of a-z, 0-9, - and _, and begins and ends with a-z or 0-9", name)
	}
	return nil
}

// topicsOf are the two topics that write to a logstore.
func topicsOf(logstore string) []string { return []string{logstore, logstore + jsonSuffix} }

var (
	errClosed  = errors.New("the endpoint is closed")
	errDeleted = errors.New("the logstore was deleted")
)

// landedBatch is a record batch that the broker appended.
type landedBatch struct {
	shard   int32
	first   int64 // offset of its first log in the shard
	count   int
	json    bool
	dropped []int  // records of raw that did not land, by number
	raw     []byte // as sent; nil where logs are discarded
}

// logstore holds what landed: the batches as sent, decoded only for whoever asks.
type logstore struct {
	name    string
	keep    int        // how many logs at most, 0 for all
	landing sync.Mutex // held from landing to the end of OnLog, which so sees every shard in order

	mu       sync.Mutex
	batches  []landedBatch
	kept     int     // logs in batches; keep of them, the newest, are shown
	next     []int64 // next offset of each shard
	usage    []usage // of each shard's quota
	count    int
	arrivals arrivals
	changed  chan struct{} // closed and replaced when count grows or gone is set
	gone     error         // why nothing will land any more
}

func newLogstore(name string, shards, keep int) *logstore {
	return &logstore{
		name: name, keep: keep, next: make([]int64, shards), usage: make([]usage, shards), changed: make(chan struct{}),
	}
}

// land takes a batch the broker appended. It sets the batch's first offset.
func (s *logstore) land(b *landedBatch, keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.first = s.next[b.shard]
	s.next[b.shard] += int64(b.count)
	s.count += b.count
	s.arrivals.add(time.Now().Unix(), b.count)
	if keep {
		s.batches = append(s.batches, *b)
		s.kept += b.count
		s.drop()
	}
	s.wake()
}

// drop lets go of the oldest batches whose logs are all more than keep says. Called with mu held.
func (s *logstore) drop() {
	if s.keep == 0 {
		return
	}
	n := 0
	for n < len(s.batches) && s.kept-s.batches[n].count >= s.keep {
		s.kept -= s.batches[n].count
		n++
	}
	clear(s.batches[:n]) // the array stays until the next append that outgrows it
	s.batches = s.batches[n:]
}

func (s *logstore) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// end makes waiters give up with err; what landed stays readable.
func (s *logstore) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil {
		s.gone = err
		s.wake()
	}
}

func (s *logstore) landed() []landedBatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

func (s *logstore) wait(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		count, gone, changed := s.count, s.gone, s.changed
		s.mu.Unlock()
		if count >= n {
			return nil
		}
		if gone != nil {
			return fmt.Errorf("logstore %q: %d of %d logs landed: %w", s.name, count, n, gone)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("logstore %q: %d of %d logs landed: %w", s.name, count, n, ctx.Err())
		}
	}
}

// logstoreOf finds the logstore a topic writes to.
func (e *Endpoint) logstoreOf(topic string) (s *logstore, json, ok bool) {
	name, json := strings.CutSuffix(topic, jsonSuffix)
	s, ok = e.logstore(name)
	return s, json, ok
}

func (e *Endpoint) logstore(name string) (*logstore, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.logstores[name]
	return s, ok
}

// CreateLogstore adds a logstore with the endpoint's number of shards while it runs.
func (e *Endpoint) CreateLogstore(name string) error {
	if err := checkLogstoreName(name); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	if _, ok := e.logstores[name]; ok {
		return fmt.Errorf("logstore %q exists already", name)
	}
	e.logstores[name] = newLogstore(name, e.options.Shards, e.options.Keep)
	for _, topic := range topicsOf(name) {
		if err := e.cluster.CreateTopic(topic, int32(e.options.Shards), nil); err != nil {
			return fmt.Errorf("create topic %q: %w", topic, err)
		}
	}
	return nil
}

// DeleteLogstore removes a logstore with its logs; records for it are refused from then on, and who waits for its logs
// is told.
func (e *Endpoint) DeleteLogstore(name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	s, ok := e.logstores[name]
	if !ok {
		return fmt.Errorf("logstore %q does not exist", name)
	}
	for _, topic := range topicsOf(name) {
		if err := e.cluster.DeleteTopic(topic); err != nil {
			return fmt.Errorf("delete topic %q: %w", topic, err)
		}
	}
	delete(e.logstores, name)
	s.end(errDeleted)
	return nil
}

// Logstore is a logstore in numbers.
type Logstore struct {
	Name   string
	Count  int     // logs landed so far
	Shards []int64 // logs landed so far in each shard
}

// Logstores are the endpoint's logstores by name.
func (e *Endpoint) Logstores() []Logstore {
	e.mu.Lock()
	all := slices.Collect(maps.Values(e.logstores))
	e.mu.Unlock()
	var list []Logstore
	for _, s := range all {
		s.mu.Lock()
		list = append(list, Logstore{Name: s.name, Count: s.count, Shards: slices.Clone(s.next)})
		s.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b Logstore) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Count is how many logs have landed in a logstore so far; 0 for an unknown logstore.
func (e *Endpoint) Count(logstore string) int {
	s, ok := e.logstore(logstore)
	if !ok {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Logs are a logstore's logs so far in order of landing, with Options.Keep the newest of them, decoded again at every
// call; none with DiscardLogs.
func (e *Endpoint) Logs(logstore string) []Log {
	s, ok := e.logstore(logstore)
	if !ok {
		return nil
	}
	batches := s.landed()
	n := 0
	for i := range batches {
		n += batches[i].count
	}
	logs := make([]Log, 0, n)
	for i := range batches {
		logs = batches[i].appendLogs(logs, e, s.name)
	}
	if s.keep > 0 {
		logs = logs[max(0, len(logs)-s.keep):]
	}
	return logs
}

// WaitCount returns when at least n logs have landed in the logstore. Its error says how many have, and why it gave up:
// the context's error, or that the endpoint was closed or the logstore deleted.
func (e *Endpoint) WaitCount(ctx context.Context, logstore string, n int) error {
	s, ok := e.logstore(logstore)
	if !ok {
		return fmt.Errorf("logstore %q does not exist", logstore)
	}
	return s.wait(ctx, n)
}
