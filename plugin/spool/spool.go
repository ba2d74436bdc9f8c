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
	// Torn: a crash left it, while it was being written. Fluent Bit was not told that it is
	// stored.
	Torn bool
	// Err is why it could not be read; nil: it was read. The file is kept then, and
	// looked at again when it is opened the next time.
	Err error
}

func (d Damage) String() string {
	if d.Err != nil {
		return fmt.Sprintf("%d bytes at %d of %s: %v", d.Bytes, d.Offset, d.File, d.Err)
	}
	return fmt.Sprintf("%d bytes at %d of %s", d.Bytes, d.Offset, d.File)
}

// Spool is an open spool. Its methods may be called from several goroutines, but Append
// and Next each from one.
type Spool struct {
	files Files
	limit int64
	step  int64 // size from which on a segment gets no more entries

	mu       sync.Mutex
	lock     Lock
	segments []*segment // from the oldest on
	active   *segment   // the last, if Append goes on with it
	last     uint64     // number
	bytes    int64      // of all segments
	undone   int        // entries
	claimed  int        // of these
	at       walk       // where Next goes on
	closed   bool
}

// A segment gets entries until it has an eighth of the limit, for its room is free only when
// all of it is done; but no more than maxBatch, unless there would be more than about
// maxSegments: each is a descriptor of the process.
const (
	minSegment  = 1 << 20
	maxBatch    = 8 << 20
	maxSegments = 64
)

func segmentBytes(limit int64) int64 {
	return max(minSegment, min(limit/8, maxBatch), limit/maxSegments)
}

// Open opens the spool of a directory, which takes at most limit bytes. What cannot be
// read of it is returned as well.
func Open(files Files, limit int64) (*Spool, []Damage, error) {
	lock, err := files.Lock()
	if err != nil {
		return nil, nil, err
	}
	s := &Spool{files: files, limit: limit, lock: lock, step: segmentBytes(limit)}
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
	read := false
	for _, name := range names {
		number, ok := segmentNumber(name)
		if !ok {
			continue
		}
		s.last = max(s.last, number)
		switch d, failed := s.loadSegment(number); {
		case errors.Is(failed, ErrVersion):
			return nil, fmt.Errorf("%s: %w", name, failed)
		case failed != nil:
			err = fmt.Errorf("%s: %w", name, failed)
			damage = append(damage, Damage{File: name, Err: failed})
		default:
			read = true
			damage = append(damage, d...)
		}
	}
	if read {
		return damage, nil
	}
	return nil, err // of the last; nil: there is none. The disk may be away for a moment.
}

// loadSegment takes a segment in, unless it has no entry that is to be delivered. It fails
// if it cannot even read how the segment begins.
func (s *Spool) loadSegment(number uint64) (damage []Damage, err error) {
	g := &segment{number: number, claimed: make(map[int64]*Entry)}
	if g.file, err = s.files.Open(g.name()); err != nil {
		return nil, err
	}
	if g.size, err = g.file.Size(); err == nil {
		err = g.checkHeader()
	}
	if err != nil && err != errNoHeader {
		g.file.Close()
		return nil, err
	}
	damage = g.count()
	if err == errNoHeader && g.undone > 0 {
		damage = append([]Damage{{File: g.name(), Bytes: min(segmentHeader, g.size)}}, damage...)
	}
	damage = g.tear(damage)
	if g.undone == 0 {
		s.discard(g) // also one without a header, as a crash leaves it
		return damage, nil
	}
	s.add(g)
	return damage, nil
}

// count counts the entries that are not done.
func (g *segment) count() (damage []Damage) {
	w := walk{segment: g, offset: min(segmentHeader, g.size)}
	for {
		from := w.offset
		h, at, skipped, ok, err := w.next(g.size)
		if err != nil {
			g.unread = true
			skipped = w.offset - from
		}
		if last := len(damage) - 1; skipped > 0 && last >= 0 && damage[last].Err != nil && damage[last].Offset+damage[last].Bytes == from {
			damage[last].Bytes += skipped // up to the next entry
		} else if skipped > 0 {
			damage = append(damage, Damage{g.name(), from, skipped, !ok && err == nil, err})
		}
		switch {
		case err != nil && w.offset >= g.size:
			g.size = from
			return damage
		case err != nil:
			continue
		case !ok:
			return damage
		}
		g.add(&h)
		g.follow(&h, at)
	}
}

func (s *Spool) add(g *segment) {
	s.segments = append(s.segments, g)
	s.bytes += g.size
	s.undone += g.undone
}

// discard deletes a segment whose every entry is done, unless it may have others, or another
// file has its name. What cannot be deleted is looked at again at the next start. g may be nil.
func (s *Spool) discard(g *segment) {
	if g == nil {
		return
	}
	if !g.unread && g.file.Named() == nil {
		_ = s.files.Remove(g.name())
	}
	g.file.Close()
}

// Stats are the numbers of a spool at one moment.
type Stats struct {
	Bytes  int64 // on disk
	Chunks int   // that are not done
	// Waiting are those of Chunks that Next may return.
	Waiting int
	// Oldest is when the oldest chunk was given of those segments that have any which is
	// not done; this one may be.
	Oldest time.Time
}

// Stats returns them.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Bytes: s.bytes, Chunks: s.undone, Waiting: s.undone - s.claimed}
	for _, g := range s.segments {
		if g.undone > 0 && (st.Oldest.IsZero() || g.given.Before(st.Oldest)) {
			st.Oldest = g.given
		}
	}
	return st
}

// Room returns how many bytes a batch may have now.
func (s *Spool) Room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(max(0, s.limit-s.bytes-segmentHeader))
}

// Unlock lets others have the directory. Nothing is begun any more.
func (s *Spool) Unlock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.lock.Unlock()
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

// BatchBytes is how many bytes a batch should have at most, unless one entry has more.
func (s *Spool) BatchBytes() int { return int(min(s.step, maxBatch)) }
