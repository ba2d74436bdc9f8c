package plugin

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	jsoniter "github.com/json-iterator/go"

	"out_sls_kafka/plugin/config"
)

// deadLetter is a record that was rejected, and why.
type deadLetter struct {
	time       time.Time
	tag        string
	logstore   string
	reason     string
	kafkaError string // the Kafka error's name, or ""
	record     []byte
}

// append appends the dead letter to dst as one line of JSON. A record that is not
// UTF-8 is written as base64 under record_base64.
func (d *deadLetter) append(dst []byte) []byte {
	s := jsoniter.ConfigDefault.BorrowStream(nil)
	defer jsoniter.ConfigDefault.ReturnStream(s)
	s.SetBuffer(dst)
	s.WriteObjectStart()
	s.WriteObjectField("time")
	s.WriteString(d.time.UTC().Format(time.RFC3339Nano))
	for _, f := range [...]struct{ key, value string }{{"tag", d.tag}, {"logstore", d.logstore}, {"reason", d.reason}, {"kafka_error", d.kafkaError}} {
		s.WriteMore()
		s.WriteObjectField(f.key)
		s.WriteStringWithHTMLEscaped(f.value) // this one repairs invalid UTF-8
	}
	s.WriteMore()
	if utf8.Valid(d.record) {
		s.WriteObjectField("record")
		s.WriteString(string(d.record))
	} else {
		s.WriteObjectField("record_base64")
		s.WriteString(base64.StdEncoding.EncodeToString(d.record))
	}
	s.WriteObjectEnd()
	s.WriteRaw("\n")
	out := s.Buffer()
	s.SetBuffer(nil)
	return out
}

// deadLetterFile appends dead letters to a file that others may rotate.
type deadLetterFile struct {
	path     string
	maxBytes int64
	deleted  func(records int) // is called when an older file is deleted

	closed atomic.Bool // the file is not opened any more

	mu          sync.Mutex // held while the file is written, for as long as that hangs
	file        *os.File
	size        int64 // of the file; 0 also for what is not a regular file
	partialLine bool  // the last write ended within a line
}

// write appends whole lines, and returns how many of them are in the file. It reopens the
// file when another one is at its path: rotation by rename needs no signal. A line that a
// full disk cut short stays a line of its own.
func (f *deadLetterFile) write(lines []byte) (kept int, err error) {
	f.mu.Lock()
	defer f.unlock()
	if err = f.reopen(); err == nil {
		err = f.rotate(len(lines))
	}
	if err == nil {
		kept, err = f.append(lines)
	}
	if err != nil {
		err = fmt.Errorf("dead_letter_file %s: %w", strconv.Quote(f.path), err)
	}
	return kept, err
}

func (f *deadLetterFile) append(lines []byte) (kept int, err error) {
	if f.partialLine {
		lines, kept = append([]byte{'\n'}, lines...), -1
	}
	n, err := f.file.Write(lines)
	if n > 0 {
		f.partialLine = lines[n-1] != '\n'
		f.size += int64(n)
	}
	return max(0, kept+bytes.Count(lines[:n], []byte{'\n'})), err
}

func (f *deadLetterFile) reopen() error {
	if f.closed.Load() {
		return os.ErrClosed
	}
	if f.file != nil {
		ours, err := f.file.Stat()
		if err == nil {
			if there, err := os.Lstat(f.path); err == nil && os.SameFile(ours, there) {
				return nil
			}
		}
		f.file.Close()
		f.file = nil
	}
	file, err := config.OpenDeadLetterFile(f.path)
	if err != nil {
		return err
	}
	f.file, f.size, f.partialLine = file, 0, endsWithinLine(file)
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		f.size = info.Size()
	}
	return nil
}

// rotate makes the file the older one if it has no room for that number of bytes.
func (f *deadLetterFile) rotate(bytes int) error {
	if f.maxBytes == 0 || f.size == 0 || f.size+int64(bytes) <= f.maxBytes {
		return nil
	}
	older := f.path + ".1"
	deleted := countLines(older)
	if err := os.Rename(f.path, older); err != nil {
		return err
	}
	if deleted > 0 && f.deleted != nil {
		f.deleted(deleted)
	}
	return f.reopen() // another file is at the path: none
}

// openToRead opens a file of ours, which neither a link nor a pipe may have replaced.
func openToRead(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// countLines is how many lines a file has; 0 also if it cannot be read.
func countLines(path string) (n int) {
	file, err := openToRead(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	for b := make([]byte, 64<<10); ; {
		k, err := file.Read(b)
		n += bytes.Count(b[:k], []byte{'\n'})
		if err != nil {
			return n
		}
	}
}

// endsWithinLine tells whether the last line of a file was torn: by a process that was
// killed, or by a disk that was full.
func endsWithinLine(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	reader, err := openToRead(file.Name()) // what is open for appending cannot be read
	if err != nil {
		return false
	}
	defer reader.Close()
	var last [1]byte
	_, err = reader.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// close ends the writing. It waits neither for a write that hangs, which closes
// the file when it is over, nor for the closing, which may hang as well.
func (f *deadLetterFile) close() {
	f.closed.Store(true)
	go func() {
		defer func() { _ = recover() }() // a file is not worth the process
		f.closeIdle()
	}()
}

// unlock ends a write, and closes the file if close was called during it. close
// marks the file as closed and then tries the lock. Either it fails to get it, then
// unlock sees the mark; or it gets it after the write, and closes the file itself.
func (f *deadLetterFile) unlock() {
	f.mu.Unlock()
	if f.closed.Load() {
		f.closeIdle()
	}
}

func (f *deadLetterFile) closeIdle() {
	if !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
}
