// Package regular reads regular files alone: where a configuration names a file there may
// be a pipe, which would be read until somebody writes to it, or a device, which may have
// no end.
package regular

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxBytes bounds a file that is read as a whole.
const maxBytes = 4 << 20

// What is wrong with a file.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = errors.New("larger than 4 MB")
)

// Check returns what is wrong with a file that is not a regular one, or cannot be looked at.
func Check(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return ErrNotRegular
	}
	return nil
}

// Read returns what is in a regular file, or in one that a link leads to.
func Read(path string) ([]byte, error) {
	if err := Check(os.Stat(path)); err != nil { // the file of a Kubernetes Secret is a link
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxBytes+1)) // some files of proc(5) have no size
	if len(content) > maxBytes {
		return nil, ErrTooLarge
	}
	return content, err
}
