package main

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"out_sls_kafka/test/sls"
)

// maxUnwritten is how many bytes of lines wait for a slow reader before logs do.
const maxUnwritten = 1 << 20

// lineWriter writes lines as they come, as many at once as came during the last write.
type lineWriter struct {
	w      io.Writer
	failed func()
	ended  chan struct{}

	mu      sync.Mutex
	cond    sync.Cond
	waiting []byte
	closed  bool
	err     error
}

// newLineWriter starts a lineWriter, which calls failed once at its first error.
func newLineWriter(w io.Writer, failed func()) *lineWriter {
	l := &lineWriter{w: w, failed: failed, ended: make(chan struct{})}
	l.cond.L = &l.mu
	go l.run()
	return l
}

// Write adds the line that appendLine appends; after an error it does nothing.
func (l *lineWriter) Write(appendLine func([]byte) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) > maxUnwritten && l.err == nil {
		l.cond.Wait()
	}
	if l.err != nil {
		return
	}
	l.waiting = appendLine(l.waiting)
	l.cond.Broadcast()
}

func (l *lineWriter) run() {
	defer close(l.ended)
	var writing []byte
	for {
		l.mu.Lock()
		for len(l.waiting) == 0 && !l.closed {
			l.cond.Wait()
		}
		if len(l.waiting) == 0 {
			l.mu.Unlock()
			return
		}
		writing, l.waiting = l.waiting, writing[:0]
		l.cond.Broadcast()
		l.mu.Unlock()
		if _, err := l.w.Write(writing); err != nil {
			l.fail(fmt.Errorf("write logs: %w", err))
			return
		}
	}
}

func (l *lineWriter) fail(err error) {
	l.mu.Lock()
	l.err = err
	l.cond.Broadcast()
	l.mu.Unlock()
	l.failed()
}

// Close returns when every line is written.
func (l *lineWriter) Close() error {
	l.mu.Lock()
	l.closed = true
	l.cond.Broadcast()
	l.mu.Unlock()
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// appendReadable appends a log for a person: logstore/shard, time, fields.
func appendReadable(b []byte, l sls.Log) []byte {
	b = fmt.Appendf(b, "%s/%d ", l.Logstore, l.Shard)
	b = l.Time.AppendFormat(b, time.RFC3339)
	b = append(b, ' ')
	return append(appendVisible(b, sls.AppendFields(nil, l.Fields())), '\n')
}

// appendVisible appends JSON with escapes for what a terminal does not show as it is. JSON
// escapes control characters itself, but not those above ASCII, such as U+009B, which
// begins a command as ESC [ does, and those that turn the direction of reading around.
func appendVisible(b, text []byte) []byte {
	for _, r := range string(text) {
		switch {
		case strconv.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		}
	}
	return b
}

// appendJSON appends a log as a line of JSON.
func appendJSON(b []byte, l sls.Log) []byte { return append(l.AppendJSON(b), '\n') }
