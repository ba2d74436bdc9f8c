package sls

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Log is one log as it stands in a logstore.
type Log struct {
	Logstore string
	Shard    int32
	Offset   int64     // place in the shard, in order of landing; both topics of the logstore count
	Time     time.Time // the record's timestamp, to the millisecond; SLS makes __time__ (seconds) of it
	Key      []byte    // the record's key as sent
	Value    []byte    // the record's value as sent

	json bool // sent to the .json topic or with its header
}

// Field is one field of a log.
type Field struct{ Key, Value string }

// Fields are the log's fields as SLS stores them: with JSON expansion the first-level keys, in their order, else or
// where the value is no JSON object the whole value in the field content. Decoded at every call.
func (l Log) Fields() []Field {
	if l.json {
		if fields, ok := jsonFields(l.Value); ok {
			return fields
		}
	}
	return []Field{{Key: contentField, Value: string(l.Value)}}
}

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
	shard int32
	first int64 // offset of its first log in the shard
	count int
	json  bool
	raw   []byte // as sent; nil where logs are discarded
}

// logstore holds what landed: the batches as sent, decoded only for whoever asks.
type logstore struct {
	name    string
	landing sync.Mutex // held from landing to the end of OnLog, which so sees every shard in order

	mu      sync.Mutex
	batches []landedBatch
	next    []int64 // next offset of each shard
	count   int
	changed chan struct{} // closed and replaced when count grows or gone is set
	gone    error         // why nothing will land any more
}

func newLogstore(name string, shards int) *logstore {
	return &logstore{name: name, next: make([]int64, shards), changed: make(chan struct{})}
}

// land takes a batch the broker appended. It sets the batch's first offset.
func (s *logstore) land(b *landedBatch, keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.first = s.next[b.shard]
	s.next[b.shard] += int64(b.count)
	s.count += b.count
	if keep {
		s.batches = append(s.batches, *b)
	}
	s.wake()
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
	e.logstores[name] = newLogstore(name, e.options.Shards)
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

// Count is how many logs have landed in a logstore so far; 0 where there is no such logstore.
func (e *Endpoint) Count(logstore string) int {
	s, ok := e.logstore(logstore)
	if !ok {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Logs are a logstore's logs so far in order of landing, decoded anew at every call; none with DiscardLogs.
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
		logs = batches[i].appendLogs(logs, e.decompressor, s.name)
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
