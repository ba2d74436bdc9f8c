// Package quiet reads and writes descriptors without telling Go's scheduler.
//
// Of a system call the scheduler is told because it may wait in the kernel: it
// then wakes its monitor up, a thread that looks again and again, first every
// 20 us, whether the call holds a processor for long, and gives that to another
// thread if so. For the one request of a few small chunks this is a fifth of all
// that Go does for them. Calls that cannot wait need none of it.
// Source: Go 1.26, runtime/proc.go, entersyscall, retake and sysmon.
package quiet

import "syscall"

// Read is read(2) on a descriptor that does not block. It returns
// [syscall.EAGAIN] where it would have to wait.
func Read(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	for {
		if n, errno = read(fd, p); errno != syscall.EINTR {
			return n, errno
		}
	}
}

// Write is write(2), likewise.
func Write(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	for {
		if n, errno = write(fd, p); errno != syscall.EINTR {
			return n, errno
		}
	}
}
