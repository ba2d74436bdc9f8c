package plugin

import "syscall"

const stderr = 2

// WriteStderr writes text to the standard error of the process that loaded the
// plugin, as far as that takes it at once. It never waits for who reads it, and
// never ends the process where nobody does any more: os.Stderr would, since Go
// turns the error of a broken pipe there into SIGPIPE with its default action,
// though Fluent Bit ignores that signal.
// Source: Go 1.26, epipecheck in os/file_unix.go.
func WriteStderr(text string) {
	write, done := openStderr()
	defer done()
	for len(text) > 0 {
		n, err := write([]byte(text))
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		text = text[n:]
	}
}

// openStderr returns a write that does not wait, and what ends it. A pipe or a
// terminal is opened once more, since not to wait is a property of an open file
// that the descriptor itself shares with others, Fluent Bit among them. A file
// is written as it is: it takes everything, and a second opening would have a
// position of its own.
func openStderr() (write func([]byte) (int, error), done func()) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(stderr, &stat); err != nil {
		return discard, func() {}
	}
	switch stat.Mode & syscall.S_IFMT {
	case syscall.S_IFIFO, syscall.S_IFCHR:
		fd, err := syscall.Open("/proc/self/fd/2", syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
		if err != nil { // it belongs to another user
			return writeIfReady, func() {}
		}
		return func(b []byte) (int, error) { return syscall.Write(fd, b) }, func() { syscall.Close(fd) }
	case syscall.S_IFSOCK:
		return func(b []byte) (int, error) {
			return len(b), syscall.Sendto(stderr, b, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, nil)
		}, func() {}
	}
	return func(b []byte) (int, error) { return syscall.Write(stderr, b) }, func() {}
}

// writeIfReady writes as much as a pipe that is writable takes (PIPE_BUF). That may
// wait all the same where somebody else fills the pipe in the same moment.
func writeIfReady(b []byte) (int, error) {
	var set syscall.FdSet
	set.Bits[0] = 1 << stderr
	if n, err := syscall.Select(stderr+1, nil, &set, nil, &syscall.Timeval{}); err != nil || n == 0 {
		return 0, err
	}
	return syscall.Write(stderr, b[:min(len(b), 4096)])
}

// discard writes nothing.
func discard([]byte) (int, error) { return 0, syscall.EBADF }
