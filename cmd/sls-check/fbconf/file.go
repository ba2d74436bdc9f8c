package fbconf

import (
	"errors"
	"io"
	"os"
	"syscall"
)

const (
	// maxFileBytes bounds a file: a configuration has kilobytes, and YAML takes a hundred times its bytes.
	maxFileBytes = 4 << 20
	// maxBytes bounds all files together, and what variables make of their values: a variable of a megabyte may
	// stand in a thousand lines.
	maxBytes = 32 << 20
)

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("larger than 4 MB")
	errTooMuch    = errors.New("more than 32 MB in all")
)

// budget is what a configuration has read.
type budget struct{ left int }

// take takes bytes off the budget, and tells whether there were enough.
func (b *budget) take(n int) bool {
	b.left -= n
	return b.left >= 0
}

// readFile reads a regular file. A pipe would be read until somebody writes to it, and a device for ever.
func (b *budget) readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, syscall.EISDIR
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1)) // some files of proc(5) have no size
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxFileBytes:
		return nil, errTooLarge
	case !b.take(len(content)):
		return nil, errTooMuch
	}
	return content, nil
}
