package spool

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrFull tells that a batch has no room below the limit.
var ErrFull = errors.New("the spool is full")

// Damage is a part of a segment that cannot be read, or an entry that is not what was
// written. It is lost, and nothing else.
type Damage struct {
	File   string
	Offset int64
	Bytes  int64
	// Torn: it is the end of the segment, as a crash leaves it while something is
	// written. Fluent Bit was not told that it is stored.
	Torn bool
}

func (d Damage) String() string {
	return fmt.Sprintf("%d bytes at %d of %s", d.Bytes, d.Offset, d.File)
}

// Spool is an open spool. Its methods may be called from several goroutines, but Append
// and Next each from one.
type Spool struct {
	files  Files
	limit  int64
	unlock func()
	step   int64 // size from which on a segment gets no more entries

	mu       sync.Mutex
	segments []*segment // from the oldest on
	active   *segment   // the last, if Append goes on with it
	last     uint64     // number
	bytes    int64      // of all segments
	undone   int        // entries
	claimed  int        // of these
	at       walk       // where Next goes on
	closed   bool
}

// A segment gets entries until it has minSegment bytes, or more if that would be more than
// about maxSegments: each is a descriptor of the process.
const (
	minSegment  = 8 << 20
	maxSegments = 64
)

// Open opens the spool of a directory, which takes at most limit bytes. What cannot be
// read of it is returned as well.
func Open(files Files, limit int64) (*Spool, []Damage, error) {
	unlock, err := files.Lock()
	if err != nil {
		return nil, nil, err
	}
	s := &Spool{files: files, limit: limit, unlock: unlock, step: max(minSegment, limit/maxSegments)}
	damage, err := s.load()
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, damage, nil
}

// load looks through the segments that are there.
func (s *Spool) load() (damage []Damage, err error) {
	names, err := s.files.List()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		number, ok := segmentNumber(name)
		if !ok {
			continue
		}
		s.last = max(s.last, number)
		d, err := s.loadSegment(number)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		damage = append(damage, d...)
	}
	return damage, nil
}

func (s *Spool) loadSegment(number uint64) (damage []Damage, err error) {
	g := &segment{number: number, claimed: make(map[int64]struct{})}
	if g.file, err = s.files.Open(g.name()); err != nil {
		return nil, err
	}
	if g.size, err = g.file.Size(); err == nil {
		if err = g.checkHeader(); err == errNoHeader {
			return s.loadHeadless(g)
		}
	}
	if err != nil {
		g.file.Close()
		return nil, err
	}
	damage, err = s.count(g)
	if err != nil {
		g.file.Close()
		return nil, err
	}
	if g.undone == 0 {
		return damage, s.discard(g)
	}
	s.add(g)
	return damage, nil
}

// loadHeadless takes in a segment without a header. A crash leaves one that has no entry;
// one with entries is damaged at its beginning.
func (s *Spool) loadHeadless(g *segment) ([]Damage, error) {
	damage, err := s.count(g)
	if err == nil && g.undone == 0 {
		return damage, s.discard(g)
	}
	s.add(g)
	return append([]Damage{{g.name(), 0, min(segmentHeader, g.size), false}}, damage...), err
}

// count counts the entries of a segment that are not done.
func (s *Spool) count(g *segment) (damage []Damage, err error) {
	w := walk{segment: g, offset: min(segmentHeader, g.size)}
	for {
		from := w.offset
		h, _, skipped, ok, err := w.next(g.size)
		if err != nil {
			return nil, err
		}
		if skipped > 0 {
			damage = append(damage, Damage{g.name(), from, skipped, !ok})
		}
		if !ok {
			return damage, nil
		}
		if g.given.IsZero() {
			g.given = time.UnixMilli(h.millis)
		}
		if !h.done {
			g.undone++
		}
	}
}

func (s *Spool) add(g *segment) {
	s.segments = append(s.segments, g)
	s.bytes += g.size
	s.undone += g.undone
}

// discard deletes a segment whose every entry is done.
func (s *Spool) discard(g *segment) error {
	err := s.files.Remove(g.name())
	g.file.Close()
	return err
}

// Stats are the numbers of a spool at one moment.
type Stats struct {
	Bytes  int64 // on disk
	Chunks int   // that are not done
	// Waiting are those of Chunks that Next may return.
	Waiting int
	// Oldest is when the first chunk of the oldest segment was given, which may be done.
	Oldest time.Time
}

// Stats returns them.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Bytes: s.bytes, Chunks: s.undone, Waiting: s.undone - s.claimed}
	if s.undone > 0 && len(s.segments) > 0 {
		st.Oldest = s.segments[0].given
	}
	return st
}

// Unlock lets others have the directory. Nothing is begun any more.
func (s *Spool) Unlock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.unlock()
	}
}

// Close ends the use of the directory.
func (s *Spool) Close() {
	s.Unlock()
	s.mu.Lock()
	all := s.segments
	s.segments = nil
	s.mu.Unlock()
	for _, g := range all {
		g.file.Close()
	}
}

// Entry is a chunk of the spool that is in use: Done or Release ends that.
type Entry struct {
	Given time.Time // to the output, by Fluent Bit
	Bytes int       // of the chunk

	segment *segment
	offset  int64
	header  header
}
