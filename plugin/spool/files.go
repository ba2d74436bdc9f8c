package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Files is the directory of a spool. Its methods may be slow, and may fail.
type Files interface {
	// Lock keeps other spools away, of this process and of others. It returns ErrLocked if
	// there is one. It makes the directory durably where it is missing: see MakeDirectory.
	Lock() (Lock, error)
	// List returns the names of all files.
	List() ([]string, error)
	// Create makes a file, which must not exist, for reading and writing.
	Create(name string) (File, error)
	// Open opens a file that exists for reading and writing.
	Open(name string) (File, error)
	Remove(name string) error
	// Sync makes Create and Remove durable.
	Sync() error
}

// File is one file of it.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Size() (int64, error)
	// Sync makes all that was written durable.
	Sync() error
	// Named returns ErrGone if the file is not found by its name any more.
	Named() error
	Close() error
}

// Lock is what keeps other spools away.
type Lock interface {
	// Named returns ErrGone if others look for another lock by now.
	Named() error
	Unlock()
}

// ErrLocked tells that another output, or another process, uses the directory.
var ErrLocked = errors.New("another output, or another process, has it as its spool")

// ErrGone tells that nobody finds a file again that is open: it, or its directory, was
// deleted, or another one is in its place.
var ErrGone = errors.New("somebody deleted or replaced it while it was in use")

// Directory is the Files of a directory of the operating system.
type Directory string

const lockName = "lock"

// Lock locks the file "lock" of the directory. It makes both where they are missing.
func (d Directory) Lock() (Lock, error) {
	if err := MakeDirectory(systemTree{}, string(d)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(string(d), lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if err == syscall.EWOULDBLOCK {
			return nil, ErrLocked
		}
		return nil, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
	}
	return systemFile{f}, nil
}

// List returns the names of all files of the directory.
func (d Directory) List() (names []string, err error) {
	all, err := os.ReadDir(string(d))
	for _, entry := range all {
		names = append(names, entry.Name())
	}
	return names, err
}

// Create makes a file that only its owner can read: logs may hold what others must not.
func (d Directory) Create(name string) (File, error) {
	return d.open(name, os.O_CREATE|os.O_EXCL)
}

// Open opens a file. It follows no symbolic link.
func (d Directory) Open(name string) (File, error) { return d.open(name, 0) }

func (d Directory) open(name string, flags int) (File, error) {
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|syscall.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

// Remove deletes a file.
func (d Directory) Remove(name string) error { return os.Remove(filepath.Join(string(d), name)) }

// Sync syncs the directory.
func (d Directory) Sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// systemFile is a File, and a Lock.
type systemFile struct{ *os.File }

func (f systemFile) Named() error {
	is, err := f.Stat()
	if err != nil {
		return err
	}
	found, err := os.Lstat(f.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(is, found):
		return ErrGone
	}
	return err
}

// Unlock ends the lock with the file.
func (f systemFile) Unlock() { f.Close() }

func (f systemFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
