package spool

import (
	"errors"
	"math"
	"slices"
)

// sparse is how many times what is left in a segment goes into it, at least, that is
// mostly done.
const sparse = 4

// Sparse tells whether Compact has something to do: a segment is mostly done, and the spool
// is half full, or has many files; or somebody deleted one.
func (s *Spool) Sparse() bool { return s.sparse() != nil }

func (s *Spool) sparse() *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	many := len(s.segments) > 2*maxSegments
	if i := slices.IndexFunc(s.segments, func(g *segment) bool { return g.gone && !g.writing }); i >= 0 && !s.closed {
		return s.segments[i]
	}
	if s.closed || s.bytes < s.limit/2 && !many {
		return nil
	}
	for _, g := range s.segments {
		if isActive := g == s.active && g.size < s.step; !isActive && !g.writing && (g.left*sparse <= g.size || many && g.left*sparse <= s.step) {
			return g
		}
	}
	return nil
}

// Compact moves what is left in the first such segment behind all others, also what is in
// use: single entries that cannot be delivered for days would keep the room of all that was
// in the same file. It returns how many entries that were. A crash may leave both copies. It is
// called by whoever uses entries, while nobody calls Append, and may exceed the limit for a
// moment, for a spool that is full needs it most.
func (s *Spool) Compact() (moved int, err error) {
	g := s.sparse()
	if g == nil {
		return 0, nil
	}
	var b Batch
	left, err := s.collect(g, &b)
	if len(left) == 0 {
		return 0, err
	}
	copies, err := s.append(&b, math.MaxInt64)
	if err != nil {
		for _, l := range left {
			if !l.inUse {
				s.Release(l.entry)
			}
		}
		return 0, err
	}
	for i, l := range left {
		old := *l.entry
		s.replace(&old, l.entry, copies[i])
		_ = s.Done(&old) // else it may be delivered twice after a restart
		if !l.inUse {
			s.Release(l.entry)
		}
	}
	return len(left), nil
}

// replace makes an entry stand for its copy, and old for what it was.
func (s *Spool) replace(old, e, copied *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old.segment.claimed[old.offset] = old
	*e = *copied
	e.segment.claimed[e.offset] = e
}

// leftover is an entry that is to be moved.
type leftover struct {
	entry *Entry
	inUse bool // by others
}

// collect adds what is left in a segment to a batch, and takes what is not in use.
func (s *Spool) collect(g *segment, b *Batch) (left []leftover, err error) {
	w := walk{segment: g, offset: segmentHeader}
	for b.Size() < s.BatchBytes() {
		h, at, _, ok, err := w.next(g.size)
		if err != nil || !ok {
			return left, err
		}
		if h.done {
			continue
		}
		s.mu.Lock()
		e, inUse := g.claimed[at]
		s.mu.Unlock()
		if !inUse {
			e = s.claim(g, at, h)
		}
		if e == nil {
			continue
		}
		tag, chunk, err := s.Read(e, nil)
		if err == nil {
			b.Add(tag, e.Given, chunk)
			left = append(left, leftover{e, inUse})
			continue
		}
		if !inUse {
			s.Release(e)
		}
		if !errors.Is(err, ErrDamaged) { // else whoever reads it says so
			return left, err
		}
	}
	return left, nil
}
