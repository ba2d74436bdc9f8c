package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// DeadLetterMode is that of a dead_letter_file which is made: log records may hold what
// others should not read.
const DeadLetterMode = 0o600

// maxFileBytes bounds a file that an option names, which is read as a whole.
const maxFileBytes = 4 << 20

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("too large")
)

// isRegular returns what is wrong with a file that is not one. A pipe would hold up the
// start of Fluent Bit until somebody opens its other end, and opening a device may do
// anything.
func isRegular(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return errNotRegular
	}
	return nil
}

// readFile returns what is in a regular file.
func readFile(path string) ([]byte, error) {
	if err := isRegular(os.Stat(path)); err != nil { // the file of a Kubernetes Secret is a link
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if len(b) > maxFileBytes {
		return nil, errTooLarge
	}
	return b, err
}

// OpenDeadLetterFile opens dead_letter_file to append to it, and makes it where there is
// none. It follows no symbolic link: who may write the directory could have records
// appended to any file.
func OpenDeadLetterFile(path string) (*os.File, error) {
	if err := isRegular(os.Lstat(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	const flags = os.O_APPEND | os.O_CREATE | os.O_WRONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags, DeadLetterMode)
	if err != nil {
		return nil, err
	}
	if err := isRegular(f.Stat()); err != nil { // it was changed in between
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkDeadLetterFile returns why dead_letter_file cannot be written. To examine it
// nothing is opened or made: who examines a configuration may be another user, in another
// place, and the configuration a stranger's.
func (c *Config) checkDeadLetterFile(src Source) error {
	if src.Examine {
		if src.WillExist != nil && src.WillExist(c.DeadLetterFile) {
			return nil
		}
		return mayAppend(c.DeadLetterFile)
	}
	f, err := OpenDeadLetterFile(c.DeadLetterFile)
	if err != nil {
		return err
	}
	return f.Close()
}

// The modes of access(2).
const (
	mayExecute = 1
	mayWrite   = 2
)

// mayAppend returns what [OpenDeadLetterFile] would, as far as that is seen from outside.
func mayAppend(path string) error {
	err := isRegular(os.Lstat(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return syscall.Access(filepath.Dir(path), mayWrite|mayExecute)
	case err != nil:
		return err
	}
	return syscall.Access(path, mayWrite)
}

// fileWarnings are remarks on files that others may read or change.
func (c *Config) fileWarnings(examine bool) (w []string) {
	if c.DeadLetterFile != "" {
		if info, err := os.Lstat(c.DeadLetterFile); err == nil && info.Mode().IsRegular() {
			if mode := info.Mode().Perm(); mode&0o027 != 0 {
				w = append(w, fmt.Sprintf("dead_letter_file %s is open to others (mode %04o), and holds log records: chmod 600", c.DeadLetterFile, mode))
			}
			if owner, known := ownerOf(info); known && !examine && !slices.Contains([]int{0, os.Geteuid()}, owner) {
				w = append(w, fmt.Sprintf("dead_letter_file %s belongs to user %d, and this process is user %d: whoever owns it reads the log records in it", c.DeadLetterFile, owner, os.Geteuid()))
			}
		}
	}
	if c.CredentialsFile != "" {
		if info, err := os.Stat(c.CredentialsFile); err == nil && info.Mode().Perm()&0o027 != 0 {
			w = append(w, fmt.Sprintf("credentials_file %s is open to others (mode %04o), and holds the AccessKey: chmod 600, or 440 for a group", c.CredentialsFile, info.Mode().Perm()))
		}
	}
	return w
}

func ownerOf(info fs.FileInfo) (user int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
