package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// How dead_letter_file is opened, to check it and to write it.
const (
	DeadLetterFlags = os.O_APPEND | os.O_CREATE | os.O_WRONLY
	DeadLetterMode  = 0o600 // log records may hold what others should not read
)

// The modes of access(2).
const (
	mayExecute = 1
	mayWrite   = 2
)

// checkDeadLetterFile returns why dead_letter_file cannot be written. With examine
// nothing is opened or made: who examines a configuration may be another user, in another
// place, and the configuration a stranger's.
func (c *Config) checkDeadLetterFile(examine bool) error {
	if examine {
		return mayAppend(c.DeadLetterFile)
	}
	f, err := os.OpenFile(c.DeadLetterFile, DeadLetterFlags, DeadLetterMode)
	if err != nil {
		return err
	}
	return f.Close()
}

// mayAppend returns what opening a file to append to it would, as far as that is seen from
// outside.
func mayAppend(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return syscall.Access(filepath.Dir(path), mayWrite|mayExecute)
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	}
	return syscall.Access(path, mayWrite)
}
