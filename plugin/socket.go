package plugin

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"out_sls_kafka/quiet"
)

// socket is a TCP connection that is read and written quietly.
type socket struct {
	*net.TCPConn
	network string // tcp, tcp4 or tcp6
	in, out direction
}

// direction is one, and what its system calls are about.
type direction struct {
	mu        sync.Mutex
	whenReady func(call func(fd uintptr) bool) error
	call      func(fd uintptr) bool // false: it would have to wait
	p         []byte
	n         int
	errno     syscall.Errno
}

func newSocket(conn *net.TCPConn, network string) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{TCPConn: conn, network: network}
	s.in.open(raw.Read, quiet.Read)
	s.out.open(raw.Write, quiet.Write)
	return s, nil
}

func (d *direction) open(whenReady func(func(fd uintptr) bool) error, call func(fd uintptr, p []byte) (int, syscall.Errno)) {
	d.whenReady = whenReady
	d.call = func(fd uintptr) bool {
		d.n, d.errno = call(fd, d.p)
		return d.errno != syscall.EAGAIN
	}
}

// Read is as that of [net.TCPConn].
func (s *socket) Read(p []byte) (int, error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	n, err := s.in.pass("read", p)
	if err != nil {
		return 0, s.failed("read", err)
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write is as that of [net.TCPConn].
func (s *socket) Write(p []byte) (written int, err error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	for written < len(p) {
		n, err := s.out.pass("write", p[written:])
		if err != nil {
			return written, s.failed("write", err)
		}
		written += n
	}
	return written, nil
}

// pass makes the system call of that name with p, when there is no need to wait.
func (d *direction) pass(name string, p []byte) (int, error) {
	d.p = p
	err := d.whenReady(d.call)
	d.p = nil
	if err == nil && d.errno != 0 {
		err = os.NewSyscallError(name, d.errno)
	}
	return d.n, err
}

// failed is the error that [net.TCPConn] would give.
func (s *socket) failed(op string, err error) error {
	if waiting, ok := err.(*net.OpError); ok { // of the raw connection, which has names of its own
		err = waiting.Err
	}
	return &net.OpError{Op: op, Net: s.network, Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}
