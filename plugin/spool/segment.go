package spool

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"
)

const extension = ".spool"

// segment is one file. Its fields but number and file are guarded by Spool.mu.
type segment struct {
	number  uint64
	file    File
	size    int64     // of what can be read
	undone  int       // entries
	left    int64     // bytes of these
	writing bool      // Append writes behind size
	unread  bool      // a part of it could not be read: the file is kept
	synced  int64     // all before it was written and synced; of the start
	ended   int64     // the end of a batch; of the start, too
	gone    bool      // nobody finds the file again: what is left in it is to be moved
	given   time.Time // its oldest chunk, which may be done
	// What is in use, by offset: taken by Next or Append, and neither released nor done. nil:
	// it is done, but could not be marked.
	claimed map[int64]*Entry
}

func (s *segment) name() string { return fmt.Sprintf("%016d%s", s.number, extension) }

// segmentNumber is the number of the segment with that name.
func segmentNumber(name string) (n uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, extension)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && (&segment{number: n}).name() == name
}

// ErrVersion tells that a segment has a newer format than this one.
var ErrVersion = errors.New("a newer version of the plugin wrote it")

var errNoHeader = errors.New("it does not begin as a segment does")

// checkHeader looks at what a segment begins with.
func (s *segment) checkHeader() error {
	var b [segmentHeader]byte
	if _, err := s.file.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return err
	}
	if string(b[:len(magic)]) != magic || order.Uint32(b[12:]) != crc32.Checksum(b[:12], castagnoli) {
		return errNoHeader
	}
	if v := order.Uint32(b[8:]); v > Version {
		return fmt.Errorf("%w: its format is %d, this one reads up to %d", ErrVersion, v, Version)
	}
	return nil
}

// add takes an entry in.
func (g *segment) add(h *header) {
	if given := time.UnixMilli(h.millis); g.given.IsZero() || given.Before(g.given) {
		g.given = given
	}
	if !h.done {
		g.undone++
		g.left += h.size()
	}
}

// windowBytes is how much of a segment is read at a time to find its entries.
const windowBytes = 64 << 10

const (
	// pageBytes is how much of a disk may be impossible to read while the rest is well.
	pageBytes = 4 << 10
	// mostUnread is how many places of a segment may be until the rest of it is given up.
	mostUnread = 16
)

// walk goes from entry to entry of a segment. It reads windowBytes at a time.
type walk struct {
	segment *segment
	offset  int64 // of the next entry
	window  []byte
	start   int64 // of window

	failures int
}

// next returns the next entry before end, and where it stands. skipped is how many bytes
// before it are no entry: they are damaged. Without an entry ok is false; what is left is
// skipped then. After an error, which is that of one page, the next call goes on behind it.
func (w *walk) next(end int64) (h header, at, skipped int64, ok bool, err error) {
	from := w.offset
	for w.offset+entryHeader <= end {
		b, err := w.peek(end)
		switch {
		case errors.Is(err, io.EOF): // it was made shorter
			w.offset = end
			continue
		case err != nil:
			w.offset += pageBytes - w.offset%pageBytes
			if w.failures++; w.failures >= mostUnread {
				w.offset = end
			}
			return h, 0, 0, false, err
		}
		if h.parse(b) && w.offset+h.size() <= end {
			at, skipped = w.offset, w.offset-from
			w.offset += h.size()
			return h, at, skipped, true, nil
		}
		w.offset += int64(nextMagic(b))
	}
	w.offset = end
	return h, 0, end - from, false, nil
}

// nextMagic is how many bytes to go on, at least one, to where a header may begin.
func nextMagic(b []byte) int {
	var m [4]byte
	order.PutUint32(m[:], entryMagic)
	if i := bytes.Index(b[1:], m[:]); i >= 0 {
		return 1 + i
	}
	return len(b) - len(m) + 1
}

// peek returns what stands at the offset: at least a header.
func (w *walk) peek(end int64) ([]byte, error) {
	at := w.offset - w.start
	if at >= 0 && at+entryHeader <= int64(len(w.window)) {
		return w.window[at:], nil
	}
	if w.window == nil {
		w.window = make([]byte, windowBytes)
	}
	w.window, w.start = w.window[:min(windowBytes, end-w.offset)], w.offset
	n, err := w.segment.file.ReadAt(w.window, w.offset)
	if n >= entryHeader {
		err = nil // what comes later is met later
	}
	w.window = w.window[:n]
	return w.window, err
}
