package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Tree is what MakeDirectory needs of a file system.
type Tree interface {
	Exists(path string) (bool, error)
	Mkdir(path string) error
	Remove(path string) error
	// Sync makes durable what was made in a directory.
	Sync(path string) error
}

// MakeDirectory makes a directory, and those above it that are missing. Each is durable
// before the next is made: a power cut would take all that is in it along, however well that
// is synced. A directory that exists may be of a process that ended before its sync, so the
// one above it is synced once more; that this fails means nothing, for it may be read-only, or
// be of another file system.
func MakeDirectory(t Tree, path string) error {
	path = filepath.Clean(path)
	above := filepath.Dir(path)
	found, err := t.Exists(path)
	switch {
	case err != nil:
		return err
	case found:
		_ = t.Sync(above)
		return nil
	case above == path:
		return &fs.PathError{Op: "mkdir", Path: path, Err: fs.ErrNotExist}
	}
	if err := MakeDirectory(t, above); err != nil {
		return err
	}
	if err := t.Mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := t.Sync(above); err != nil {
		_ = t.Remove(path) // else it would be found the next time
		return fmt.Errorf("%s was made there, and cannot be made durable: %w", path, err)
	}
	return nil
}

// systemTree is the Tree of the operating system.
type systemTree struct{}

func (systemTree) Exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (systemTree) Mkdir(path string) error { return os.Mkdir(path, 0o700) }

func (systemTree) Remove(path string) error { return os.Remove(path) }

func (systemTree) Sync(path string) error { return Directory(path).Sync() }
