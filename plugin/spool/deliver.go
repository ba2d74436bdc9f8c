package spool

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"
)

// Next returns the oldest entry that is not done and not in use, from where the last call
// ended on; nil: there is none. It is in use from now on. It goes over what is damaged,
// which Open has named. After an error the next call goes on behind what cannot be read.
func (s *Spool) Next() (*Entry, error) {
	for {
		g, end := s.position()
		if g == nil {
			return nil, nil
		}
		h, at, _, ok, err := s.at.next(end)
		if err != nil {
			if s.isRetired(g) {
				continue
			}
			return nil, fmt.Errorf("%s: %w", g.name(), err)
		}
		if ok && !h.done {
			if e := s.claim(g, at, h); e != nil {
				return e, nil
			}
		}
	}
}

func (s *Spool) isRetired(g *segment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.Contains(s.segments, g)
}

// position is the segment that Next reads, and where it ends; nil: all were read.
func (s *Spool) position() (g *segment, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0
	}
	for i, g := range s.segments {
		switch at := s.at.segment; {
		case at == g && s.at.offset < g.size:
			return g, g.size
		case at == g || at != nil && g.number < at.number:
			continue
		}
		s.at = walk{segment: s.segments[i], offset: segmentHeader, window: s.at.window[:0]}
		return g, g.size
	}
	return nil, 0
}

// claim takes an entry, unless it is in use, or done since its header was read.
func (s *Spool) claim(g *segment, at int64, h header) *Entry {
	e := &Entry{Given: time.UnixMilli(h.millis), Bytes: int(h.length), segment: g, offset: at, header: h}
	if !s.take(e) {
		return nil
	}
	var status [1]byte
	if _, err := g.file.ReadAt(status[:], at+offsetOfStatus); err == nil && status[0] != 0 {
		s.Release(e)
		return nil
	}
	return e
}

func (s *Spool) take(e *Entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, used := e.segment.claimed[e.offset]; used {
		return false
	}
	e.segment.claimed[e.offset] = e
	s.claimed++
	return true
}

// Rewind lets Next begin with the oldest entry again: those that were released may be
// returned once more.
func (s *Spool) Rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = walk{window: s.at.window[:0]}
}

// ErrDamaged tells that the bytes of an entry are not those that were stored.
var ErrDamaged = errors.New("the checksum is wrong")

// Read returns the tag and the chunk of an entry. It reads into buffer, which it may
// replace.
func (s *Spool) Read(e *Entry, buffer []byte) (tag string, chunk []byte, err error) {
	n := int(e.header.tag) + int(e.header.length)
	buffer = slices.Grow(buffer[:0], n)[:n]
	switch _, err := e.segment.file.ReadAt(buffer, e.offset+entryHeader); {
	case errors.Is(err, io.EOF):
		return "", buffer, ErrDamaged
	case err != nil:
		return "", buffer, err
	}
	if crc32.Checksum(buffer, castagnoli) != e.header.sum {
		return "", buffer, ErrDamaged
	}
	return string(buffer[:e.header.tag]), buffer[e.header.tag:], nil
}

// Damage is how an entry is named that Read finds damaged.
func (e *Entry) Damage() Damage {
	return Damage{File: e.segment.name(), Offset: e.offset, Bytes: e.header.size()}
}

// Done ends an entry: it is not returned again. If the mark cannot be written, which is an
// error, it may be after a restart.
func (s *Spool) Done(e *Entry) error {
	_, err := e.segment.file.WriteAt([]byte{1}, e.offset+offsetOfStatus)
	s.discard(s.endEntry(e, err))
	return err
}

// endEntry takes an entry that is done out of the numbers. It returns its segment if that
// is to be discarded.
func (s *Spool) endEntry(e *Entry, err error) (empty *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := e.segment
	if g.claimed[e.offset] == nil {
		return nil
	}
	if err == nil {
		delete(g.claimed, e.offset)
	} else {
		g.claimed[e.offset] = nil // for without the mark it would be found again
	}
	g.undone--
	g.left -= e.header.size()
	s.undone--
	s.claimed--
	if g.undone > 0 || g.writing || s.closed {
		return nil
	}
	if s.active == g {
		s.active = nil
	}
	return s.retireLocked(g)
}

// Release ends the use of an entry that is not done.
func (s *Spool) Release(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.segment.claimed[e.offset] != nil {
		delete(e.segment.claimed, e.offset)
		s.claimed--
	}
}
