package plugin

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	jsoniter "github.com/json-iterator/go"

	"out_sls_kafka/plugin/config"
)

// letter is a record that was rejected, and why.
type letter struct {
	time     time.Time
	tag      string
	logstore string
	reason   string
	kafka    string // the Kafka error's name, or ""
	record   []byte
}

// append writes the letter as one JSON line. A record that is no text is
// written as base64 under record_base64.
func (l *letter) append(dst []byte) []byte {
	s := jsoniter.ConfigDefault.BorrowStream(nil)
	defer jsoniter.ConfigDefault.ReturnStream(s)
	s.SetBuffer(dst)
	s.WriteObjectStart()
	s.WriteObjectField("time")
	s.WriteString(l.time.UTC().Format(time.RFC3339Nano))
	for _, f := range [...]struct{ key, value string }{{"tag", l.tag}, {"logstore", l.logstore}, {"reason", l.reason}, {"kafka_error", l.kafka}} {
		s.WriteMore()
		s.WriteObjectField(f.key)
		s.WriteStringWithHTMLEscaped(f.value) // this one repairs invalid UTF-8
	}
	s.WriteMore()
	if utf8.Valid(l.record) {
		s.WriteObjectField("record")
		s.WriteString(string(l.record))
	} else {
		s.WriteObjectField("record_base64")
		s.WriteString(base64.StdEncoding.EncodeToString(l.record))
	}
	s.WriteObjectEnd()
	s.WriteRaw("\n")
	out := s.Buffer()
	s.SetBuffer(nil)
	return out
}

// deadLetters appends letters to a file that others may rotate.
type deadLetters struct {
	path string

	closed atomic.Bool // no file is opened any more

	mu   sync.Mutex // held while the file is written, for as long as that hangs
	file *os.File
	torn bool // the last write ended within a line
}

// write appends whole lines. It reopens the file when another stands at its
// path: rotation by rename needs no signal. What a full disk tore stays a line
// of its own.
func (d *deadLetters) write(lines []byte) error {
	d.mu.Lock()
	defer d.release()
	if err := d.reopen(); err != nil {
		return fmt.Errorf("dead_letter_file %s: %w", strconv.Quote(d.path), err)
	}
	if d.torn {
		lines = append([]byte{'\n'}, lines...)
	}
	n, err := d.file.Write(lines)
	if n > 0 {
		d.torn = lines[n-1] != '\n'
	}
	if err != nil {
		return fmt.Errorf("dead_letter_file %s: %w", strconv.Quote(d.path), err)
	}
	return nil
}

func (d *deadLetters) reopen() error {
	if d.closed.Load() {
		return os.ErrClosed
	}
	if d.file != nil {
		ours, err := d.file.Stat()
		if err == nil {
			if there, err := os.Stat(d.path); err == nil && os.SameFile(ours, there) {
				return nil
			}
		}
		d.file.Close()
		d.file = nil
	}
	f, err := os.OpenFile(d.path, config.DeadLetterFlags, config.DeadLetterMode)
	if err != nil {
		return err
	}
	d.file, d.torn = f, false
	return nil
}

// close ends the writing. It waits neither for a write that hangs, which closes
// the file when it is over, nor for the closing, which may hang as well.
func (d *deadLetters) close() {
	d.closed.Store(true)
	go func() {
		defer func() { _ = recover() }() // a file is not worth the process
		d.closeIdle()
	}()
}

// release ends a write. A close that came during it could not have the lock, or
// sees the file unlocked; either way one of the two closes it.
func (d *deadLetters) release() {
	d.mu.Unlock()
	if d.closed.Load() {
		d.closeIdle()
	}
}

func (d *deadLetters) closeIdle() {
	if !d.mu.TryLock() {
		return
	}
	defer d.mu.Unlock()
	if d.file != nil {
		d.file.Close()
		d.file = nil
	}
}
