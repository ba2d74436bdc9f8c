package plugin

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// connected returns both ends of a TCP connection.
func connected(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled.(*net.TCPConn), accepted.(*net.TCPConn)
}

func socketOf(t *testing.T, conn *net.TCPConn) net.Conn {
	t.Helper()
	s, err := newSocket(conn, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// More than the kernel takes at a time goes both ways at once.
func TestSocketPassesBytes(t *testing.T) {
	t.Parallel()
	raw, there := connected(t)
	here := socketOf(t, raw)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	go func() {
		_, _ = io.Copy(there, there) // back again
		_ = there.CloseWrite()
	}()
	go func() {
		if n, err := here.Write(sent); n != len(sent) || err != nil {
			t.Errorf("wrote %d bytes of %d: %v", n, len(sent), err)
		}
		_ = raw.CloseWrite()
	}()
	if n, err := here.Read(nil); n != 0 || err != nil {
		t.Errorf("read %d bytes into nothing: %v", n, err)
	}
	got, err := io.ReadAll(here)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(sent), err)
	}
	if n, err := here.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
}

// Errors are those of net.TCPConn, by all that the table of errors goes by.
func TestSocketErrors(t *testing.T) {
	t.Parallel()
	big := make([]byte, 16<<20)
	write := func(c net.Conn) (err error) {
		for err == nil {
			_, err = c.Write(big)
		}
		return err
	}
	read := func(c net.Conn) error {
		_, err := c.Read(make([]byte, 10))
		return err
	}
	rows := map[string]struct {
		prepare func(here, there *net.TCPConn)
		do      func(net.Conn) error
	}{
		"read too late":  {func(here, _ *net.TCPConn) { here.SetDeadline(time.Now()) }, read},
		"write too late": {func(here, _ *net.TCPConn) { here.SetDeadline(time.Now()) }, write},
		"write gets stuck": {func(here, _ *net.TCPConn) {
			here.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		}, write},
		"read when closed":  {func(here, _ *net.TCPConn) { here.Close() }, read},
		"write when closed": {func(here, _ *net.TCPConn) { here.Close() }, write},
		"read after a reset": {func(_, there *net.TCPConn) {
			there.SetLinger(0)
			there.Close()
		}, read},
		"write after a reset": {func(here, there *net.TCPConn) {
			there.SetLinger(0)
			there.Close()
			read(here)
		}, write},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fail := func(wrap func(*net.TCPConn) net.Conn) *net.OpError {
				here, there := connected(t)
				row.prepare(here, there)
				err := row.do(wrap(here))
				op, ok := errors.AsType[*net.OpError](err)
				if !ok || op.Addr.String() != here.RemoteAddr().String() || op.Source.String() != here.LocalAddr().String() {
					t.Fatalf("error %v", err)
				}
				return op
			}
			conn := fail(func(c *net.TCPConn) net.Conn { return c })
			sock := fail(func(c *net.TCPConn) net.Conn { return socketOf(t, c) })
			if conn.Op != sock.Op || conn.Net != sock.Net || conn.Err.Error() != sock.Err.Error() || conn.Timeout() != sock.Timeout() {
				t.Errorf("%v, want %v", sock, conn)
			}
			for _, kind := range []error{os.ErrDeadlineExceeded, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
				if errors.Is(sock, kind) != errors.Is(conn, kind) {
					t.Errorf("%v: is %v: %v, unlike %v", sock, kind, errors.Is(sock, kind), conn)
				}
			}
		})
	}
}

// Close ends what waits.
func TestSocketClose(t *testing.T) {
	t.Parallel()
	raw, _ := connected(t)
	here := socketOf(t, raw)
	failed := make(chan error, 1)
	go func() {
		_, err := here.Read(make([]byte, 1))
		failed <- err
	}()
	here.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
}
