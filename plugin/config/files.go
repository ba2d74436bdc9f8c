package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"out_sls_kafka/plugin/regular"
)

// DeadLetterMode is that of a dead_letter_file which is made: log records may hold what
// others should not read.
const DeadLetterMode = 0o600

// OpenDeadLetterFile opens dead_letter_file to append to it, and makes it where there is
// none. It follows no symbolic link: who may write the directory could have records
// appended to any file.
func OpenDeadLetterFile(path string) (*os.File, error) {
	if err := regular.Check(os.Lstat(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return openToAppend(path)
}

// openToAppend opens what is at path now, which may not be what was looked at: a link is
// not followed, a pipe not waited for.
func openToAppend(path string) (*os.File, error) {
	const flags = os.O_APPEND | os.O_CREATE | os.O_WRONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags, DeadLetterMode)
	if err != nil {
		return nil, err
	}
	if err := regular.Check(f.Stat()); err != nil {
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
	err := regular.Check(os.Lstat(path))
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
