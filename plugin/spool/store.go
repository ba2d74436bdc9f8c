package spool

import (
	"fmt"
	"time"
)

// Append stores a batch, and returns its entries when they are durable. If it fails,
// nothing is stored. Each entry is in use.
func (s *Spool) Append(b *Batch) ([]*Entry, error) {
	g, at, err := s.beginAppend(b)
	if err != nil {
		return nil, err
	}
	err = s.write(g, b, at)
	if err != nil {
		err = fmt.Errorf("%s: %w", g.name(), err)
	}
	return s.endAppend(g, b, at, err), err
}

// beginAppend returns where a batch goes.
func (s *Spool) beginAppend(b *Batch) (g *segment, at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, 0, errClosed
	case s.bytes+int64(b.Size())+segmentHeader > s.limit:
		return nil, 0, ErrFull
	}
	if g = s.active; g == nil || g.size >= s.step {
		s.last++
		g = &segment{number: s.last, claimed: make(map[int64]struct{})}
		s.retireLocked(s.active)
	}
	g.writing = true
	return g, g.size, nil
}

var errClosed = fmt.Errorf("it is closed")

// write writes a batch at an offset of a segment, which it makes if it has no file, and
// makes it durable.
func (s *Spool) write(g *segment, b *Batch, at int64) (err error) {
	made := g.file == nil
	if made {
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
	return err
}

// endAppend takes the entries in, if the batch is durable. A segment that may hold some
// that are not gets no more: what a failed sync did with the rest of it is not known.
func (s *Spool) endAppend(g *segment, b *Batch, at int64, failed error) (entries []*Entry) {
	if failed != nil && g.file != nil && at > 0 {
		_ = g.file.Truncate(at) // what is there is not looked at before the next start
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.writing = false
	if failed != nil {
		s.abandonLocked(g, at)
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
		g.claimed[e.offset] = struct{}{}
		entries[i] = e
	}
	if g.size == 0 {
		g.given = entries[0].Given
	}
	g.size = at + int64(b.Size())
	g.undone += len(entries)
	s.bytes, s.undone, s.claimed = s.bytes+int64(b.Size()), s.undone+len(entries), s.claimed+len(entries)
	return entries
}

// abandonLocked gives up a segment that could not be written at an offset.
func (s *Spool) abandonLocked(g *segment, at int64) {
	if s.active == g {
		s.active = nil
		s.retireLocked(g)
	}
	if at == 0 && g.file != nil {
		_ = s.files.Remove(g.name())
		g.file.Close()
	}
}

// retireLocked deletes a segment that gets no more entries, if it has none that is to be
// delivered. g may be nil.
func (s *Spool) retireLocked(g *segment) {
	if g == nil || g.undone > 0 || g.writing {
		return
	}
	for i, other := range s.segments {
		if other == g {
			s.segments = append(s.segments[:i:i], s.segments[i+1:]...)
			s.bytes -= g.size
			_ = s.discard(g) // it is looked at again at the next start
			return
		}
	}
}
