package plugin

import "syscall"

const (
	stderr = 2
	// wholeWrite is what a pipe that is writable takes without a wait (PIPE_BUF).
	wholeWrite = 4096
)

// WriteStderr writes text to the standard error of the process that loaded the
// plugin, as far as that takes it at once. It never waits for who reads it, and
// never ends the process where nobody does any more: os.Stderr would, since Go
// turns the error of a broken pipe there into SIGPIPE with its default action,
// though Fluent Bit ignores that signal.
// Source: Go 1.26, epipecheck in os/file_unix.go.
func WriteStderr(text string) {
	for len(text) > 0 && writable(stderr) {
		n, err := syscall.Write(stderr, []byte(text[:min(len(text), wholeWrite)]))
		if err != nil && err != syscall.EINTR {
			return
		}
		text = text[max(n, 0):]
	}
}

// writable tells whether a write would not wait. One that would fail does not.
func writable(fd int) bool {
	var set syscall.FdSet
	set.Bits[0] = 1 << fd
	n, err := syscall.Select(fd+1, nil, &set, nil, &syscall.Timeval{})
	return err == nil && n > 0
}
