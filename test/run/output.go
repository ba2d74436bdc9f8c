package run

import (
	"bytes"
	"strings"
	"sync"
)

// output is the lines that a process has written.
type output struct {
	mu    sync.Mutex
	lines []string
	grown chan struct{} // closed at the next line; nil where nobody waits
}

func (o *output) add(lines ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, lines...)
	if o.grown != nil {
		close(o.grown)
		o.grown = nil
	}
}

// since returns the lines after the first n, and what is closed when there are more.
func (o *output) since(n int) (lines []string, grown <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.grown == nil {
		o.grown = make(chan struct{})
	}
	return o.lines[n:len(o.lines):len(o.lines)], o.grown
}

// stream cuts what is written to it into lines.
type stream struct {
	to   *output
	rest []byte // the line that has no end yet
}

// Write implements [io.Writer].
func (s *stream) Write(b []byte) (int, error) {
	end := bytes.LastIndexByte(b, '\n')
	if end < 0 {
		s.rest = append(s.rest, b...)
		return len(b), nil
	}
	s.to.add(strings.Split(string(s.rest)+string(b[:end]), "\n")...)
	s.rest = append(s.rest[:0], b[end+1:]...)
	return len(b), nil
}

// end takes what is left as a line.
func (s *stream) end() {
	if len(s.rest) > 0 {
		s.to.add(string(s.rest))
	}
}

// text joins lines again.
func text(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
