package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Append stores a batch, and returns its entries when they are durable. If it fails,
// nothing is stored. Each entry is in use.
func (s *Spool) Append(b *Batch) ([]*Entry, error) { return s.append(b, s.limit) }

func (s *Spool) append(b *Batch, limit int64) ([]*Entry, error) {
	b.seal()
	g, at, err := s.beginAppend(b, limit)
	if err != nil {
		return nil, err
	}
	if err = s.write(g, b, at); err != nil {
		s.abandon(g, at)
		if errors.Is(err, ErrGone) {
			s.findGone()
		}
		return nil, fmt.Errorf("%s: %w", g.name(), err)
	}
	if entries := s.endAppend(g, b, at); entries != nil {
		g.markSynced(entries)
		if at == 0 {
			s.findGone() // nothing else would: nothing is written into the other files any more
		}
		return entries, nil
	}
	if at == 0 {
		g.file.Close()
	}
	return nil, errClosed
}

// beginAppend returns where a batch goes.
func (s *Spool) beginAppend(b *Batch, limit int64) (g *segment, at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, 0, errClosed
	case s.bytes+int64(b.Size())+segmentHeader > limit:
		return nil, 0, ErrFull
	}
	if g = s.active; g == nil || g.size >= s.step {
		s.last++
		g = &segment{number: s.last, claimed: make(map[int64]*Entry)}
	}
	g.writing = true
	return g, g.size, nil
}

var errClosed = fmt.Errorf("it is closed")

// write writes a batch at an offset of a segment, which it makes if it has no file, and
// makes it durable: also whoever opens the directory next finds it.
func (s *Spool) write(g *segment, b *Batch, at int64) (err error) {
	made := g.file == nil
	if made {
		if err = s.lockAgain(); err != nil {
			return err
		}
		if g.file, err = s.files.Create(g.name()); err != nil {
			return err
		}
		if _, err = g.file.WriteAt(appendHeaderOf(nil, Version), 0); err != nil {
			return err
		}
		at = segmentHeader
	}
	if _, err = g.file.WriteAt(b.bytes, at); err != nil {
		return err
	}
	if err = g.file.Sync(); err == nil && made {
		err = s.files.Sync()
	}
	if err != nil {
		return err
	}
	return g.file.Named()
}

// lockAgain locks the directory once more if it was deleted, or is another one by now: else a
// second spool could begin there.
func (s *Spool) lockAgain() error {
	s.mu.Lock()
	old := s.lock
	s.mu.Unlock()
	if err := old.Named(); !errors.Is(err, ErrGone) {
		return err
	}
	lock, err := s.files.Lock()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		lock.Unlock()
		return errClosed
	}
	s.lock = lock
	old.Unlock()
	return nil
}

// findGone looks which of the segments nobody finds again. Their entries can be read, and are
// delivered, until the process ends: Compact moves them to where they are found.
func (s *Spool) findGone() {
	s.mu.Lock()
	all := slices.Clone(s.segments)
	s.mu.Unlock()
	for _, g := range all {
		if errors.Is(g.file.Named(), ErrGone) {
			s.mu.Lock()
			g.gone = true
			s.mu.Unlock()
		}
	}
}

// endAppend takes the entries of a batch in. It returns nil if the directory is others'
// already: they may have looked at the segment before, or have deleted it.
func (s *Spool) endAppend(g *segment, b *Batch, at int64) (entries []*Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.writing = false
	if s.closed {
		return nil
	}
	if at == 0 {
		s.segments, s.active = append(s.segments, g), g
		at, s.bytes = segmentHeader, s.bytes+segmentHeader
	}
	entries = make([]*Entry, len(b.offsets))
	values := make([]Entry, len(b.offsets))
	for i, offset := range b.offsets {
		e := &values[i]
		e.header.parse(b.bytes[offset:])
		e.segment, e.offset = g, at+int64(offset)
		e.Given, e.Bytes = time.UnixMilli(e.header.millis), int(e.header.length)
		g.claimed[e.offset] = e
		g.add(&e.header)
		entries[i] = e
	}
	g.size = at + int64(b.Size())
	s.bytes, s.undone, s.claimed = s.bytes+int64(b.Size()), s.undone+len(entries), s.claimed+len(entries)
	return entries
}

// abandon gives up a segment that could not be written at an offset. It gets no more
// entries: what a failed sync did with the rest of it is not known.
func (s *Spool) abandon(g *segment, at int64) {
	s.mu.Lock()
	g.writing = false
	closed := s.closed
	var empty *segment
	if s.active == g {
		s.active = nil
		empty = s.retireLocked(g)
	}
	s.mu.Unlock()
	switch {
	case empty != nil:
		s.discard(empty)
	case at == 0 && g.file != nil:
		s.discard(g)
	case !closed && at > 0:
		_ = g.file.Truncate(at) // what is there is not looked at before the next start
	}
}

// retireLocked takes out a segment that gets no more entries, and returns it to be
// discarded without the lock, if it has none that is to be delivered.
func (s *Spool) retireLocked(g *segment) *segment {
	if i := slices.Index(s.segments, g); i >= 0 && g.undone == 0 && !g.writing {
		s.segments = slices.Delete(slices.Clone(s.segments), i, i+1)
		s.bytes -= g.size
		return g
	}
	return nil
}
