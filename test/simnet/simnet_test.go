package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const address = "127.0.0.1:9092"

// pair is a network with one connection on it.
func pair(t *testing.T) (n *Network, client, server *Conn) {
	t.Helper()
	n = New()
	l, err := n.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _, _ = l.Close(), c.Close(), s.Close()
	})
	return n, c.(*Conn), s.(*Conn)
}

// bubble runs a test of a connection in fake time.
func bubble(test func(t *testing.T, n *Network, client, server *Conn)) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n, client, server := pair(t)
			test(t, n, client, server)
		})
	}
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

// receive reads as many bytes as text has.
func receive(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v; want %q", got, err, text)
	}
}

// takes checks how long something takes.
func takes(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if got := time.Since(begin); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}

// readFails checks the error of a read, writeFails that of a write.
func readFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	n, err := c.Read(make([]byte, 1))
	fails(t, n, err, want)
}

func writeFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	n, err := c.Write(make([]byte, 1))
	fails(t, n, err, want)
}

func fails(t *testing.T, n int, err, want error) {
	t.Helper()
	if n != 0 || !errors.Is(err, want) {
		t.Errorf("%d bytes, error %v; want %v", n, err, want)
	}
	if _, ok := errors.AsType[*net.OpError](err); !ok && err != io.EOF {
		t.Errorf("%T is not what package net gives", err)
	}
}

func wantOpen(t *testing.T, n *Network, want int) {
	t.Helper()
	if got := n.Open(); got != want {
		t.Errorf("%d ends are open, want %d", got, want)
	}
}

func TestConn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, n *Network, client, server *Conn)
	}{
		{"bytes take their time", func(t *testing.T, _ *Network, client, server *Conn) {
			takes(t, 0, func() { send(t, client, "hello") })
			takes(t, defaultLatency, func() { receive(t, server, "hello") })
			takes(t, 2*defaultLatency, func() {
				go func() { time.Sleep(defaultLatency); send(t, server, "late") }()
				receive(t, client, "late")
			})
		}},
		{"bytes stay in order", func(t *testing.T, _ *Network, client, server *Conn) {
			want := make([]byte, 1<<16)
			for i := range want {
				want[i] = byte(i * 7 >> 3)
			}
			go func() {
				for rest := want; len(rest) > 0; {
					n := min(len(rest), 1+len(rest)%977)
					send(t, client, string(rest[:n]))
					rest = rest[n:]
					if len(rest)%3 == 0 {
						time.Sleep(defaultLatency / 7)
					}
				}
				_ = client.Close()
			}()
			got, err := io.ReadAll(server)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		}},
		{"what is written may be changed afterwards", func(t *testing.T, _ *Network, client, server *Conn) {
			p := []byte("before")
			_, _ = client.Write(p)
			copy(p, "after!")
			receive(t, server, "before")
		}},
		{"a read takes several writes", func(t *testing.T, _ *Network, client, server *Conn) {
			send(t, client, "one")
			send(t, client, "two")
			time.Sleep(defaultLatency)
			send(t, client, "three")
			p := make([]byte, 20)
			if n, err := server.Read(p); string(p[:n]) != "onetwo" || err != nil {
				t.Errorf("read %q, %v", p[:n], err)
			}
		}},
		{"an empty read and an empty write", func(t *testing.T, _ *Network, client, server *Conn) {
			send(t, client, "")
			if n, err := server.Read(nil); n != 0 || err != nil {
				t.Errorf("read %d, %v", n, err)
			}
			time.Sleep(defaultLatency)
			send(t, client, "x")
			if n, err := server.Read(make([]byte, 2)); n != 1 || err != nil {
				t.Errorf("read %d, %v", n, err)
			}
		}},
		{"close", func(t *testing.T, _ *Network, client, server *Conn) {
			send(t, client, "last")
			if err := client.Close(); err != nil {
				t.Error(err)
			}
			fails(t, 0, client.Close(), net.ErrClosed)
			readFails(t, client, net.ErrClosed)
			writeFails(t, client, net.ErrClosed)
			send(t, server, "the client's closing has not arrived")
			receive(t, server, "last")
			readFails(t, server, io.EOF)
			readFails(t, server, io.EOF)
			writeFails(t, server, syscall.EPIPE)
		}},
		{"close while reading", func(t *testing.T, _ *Network, client, _ *Conn) {
			go func() { time.Sleep(time.Hour); _ = client.Close() }()
			takes(t, time.Hour, func() { readFails(t, client, net.ErrClosed) })
		}},
		{"close before a reset", func(t *testing.T, n *Network, client, _ *Conn) {
			_ = client.Close()
			n.CloseAll()
			writeFails(t, client, net.ErrClosed)
			_ = client.CloseWrite()
			writeFails(t, client, net.ErrClosed)
		}},
		{"close leaves no timer", func(t *testing.T, _ *Network, client, _ *Conn) {
			_ = client.SetDeadline(time.Now().Add(time.Hour))
			go readFails(t, client, net.ErrClosed)
			time.Sleep(time.Second)
			_ = client.Close()
			synctest.Wait()
			if client.in.alarm.Stop() {
				t.Error("a timer of a closed connection runs")
			}
		}},
		{"half close", func(t *testing.T, _ *Network, client, server *Conn) {
			send(t, client, "question")
			if err := client.CloseWrite(); err != nil {
				t.Error(err)
			}
			writeFails(t, client, syscall.EPIPE)
			receive(t, server, "question")
			readFails(t, server, io.EOF)
			send(t, server, "answer")
			receive(t, client, "answer")
		}},
		{"reset", func(t *testing.T, n *Network, client, server *Conn) {
			send(t, client, "lost")
			send(t, server, "lost too")
			client.Reset()
			wantOpen(t, n, 1) // the server's
			takes(t, defaultLatency, func() { readFails(t, server, syscall.ECONNRESET) })
			writeFails(t, server, syscall.ECONNRESET)
			readFails(t, client, net.ErrClosed)
			writeFails(t, client, net.ErrClosed)
		}},
		{"reset after close", func(t *testing.T, _ *Network, client, server *Conn) {
			send(t, client, "lost")
			_ = client.Close()
			client.Reset()
			readFails(t, server, syscall.ECONNRESET)
		}},
		{"close all", func(t *testing.T, n *Network, client, server *Conn) {
			send(t, client, "lost")
			n.CloseAll()
			wantOpen(t, n, 2)
			for _, c := range []*Conn{client, server} {
				takes(t, 0, func() { readFails(t, c, syscall.ECONNRESET) })
				writeFails(t, c, syscall.ECONNRESET)
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
			wantOpen(t, n, 0)
		}},
		{"addresses", func(t *testing.T, _ *Network, client, server *Conn) {
			if client.RemoteAddr().String() != address || server.LocalAddr().String() != address || client.LocalAddr() != server.RemoteAddr() {
				t.Errorf("client %v to %v, server %v from %v", client.LocalAddr(), client.RemoteAddr(), server.LocalAddr(), server.RemoteAddr())
			}
		}},
	} {
		t.Run(c.name, bubble(c.test))
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, n *Network, client, server *Conn)
	}{
		{"a read ends", func(t *testing.T, _ *Network, client, _ *Conn) {
			_ = client.SetReadDeadline(time.Now().Add(time.Minute))
			takes(t, time.Minute, func() { readFails(t, client, os.ErrDeadlineExceeded) })
			takes(t, 0, func() { readFails(t, client, os.ErrDeadlineExceeded) })
			send(t, client, "x")
		}},
		{"its error is a timeout", func(t *testing.T, _ *Network, client, _ *Conn) {
			_ = client.SetDeadline(time.Now())
			_, err := client.Read(make([]byte, 1))
			if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
				t.Error(err)
			}
		}},
		{"a write ends", func(t *testing.T, _ *Network, client, _ *Conn) {
			_ = client.SetWriteDeadline(time.Now().Add(time.Second))
			send(t, client, "x")
			time.Sleep(time.Second)
			writeFails(t, client, os.ErrDeadlineExceeded)
		}},
		{"bytes before it", func(t *testing.T, _ *Network, client, server *Conn) {
			_ = server.SetReadDeadline(time.Now().Add(defaultLatency * 2))
			send(t, client, "x")
			takes(t, defaultLatency, func() { receive(t, server, "x") })
		}},
		{"bytes after it are not lost", func(t *testing.T, _ *Network, client, server *Conn) {
			_ = server.SetReadDeadline(time.Now().Add(defaultLatency / 2))
			send(t, client, "x")
			takes(t, defaultLatency/2, func() { readFails(t, server, os.ErrDeadlineExceeded) })
			_ = server.SetReadDeadline(time.Time{})
			takes(t, defaultLatency/2, func() { receive(t, server, "x") })
		}},
		{"it moves while a read waits", func(t *testing.T, _ *Network, client, _ *Conn) {
			_ = client.SetReadDeadline(time.Now().Add(time.Hour))
			go func() {
				time.Sleep(time.Second)
				_ = client.SetReadDeadline(time.Now().Add(time.Second))
				time.Sleep(time.Second / 2)
				_ = client.SetReadDeadline(time.Now().Add(time.Minute))
			}()
			takes(t, time.Minute+3*time.Second/2, func() { readFails(t, client, os.ErrDeadlineExceeded) })
		}},
		{"it begins while a read waits", func(t *testing.T, _ *Network, client, _ *Conn) {
			go func() { time.Sleep(time.Second); _ = client.SetReadDeadline(time.Unix(1, 0)) }()
			takes(t, time.Second, func() { readFails(t, client, os.ErrDeadlineExceeded) })
		}},
	} {
		t.Run(c.name, bubble(c.test))
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, _ := n.Listen("tcp", "127.0.0.1:0")
		b, _ := n.Listen("tcp", "127.0.0.1:0")
		if a.Addr().String() == b.Addr().String() {
			t.Errorf("both listen on %v", a.Addr())
		}
		_, err := n.Listen("tcp", a.Addr().String())
		fails(t, 0, err, syscall.EADDRINUSE)
		if _, err := n.Listen("tcp", "no port"); err == nil {
			t.Error("an address without a port is taken")
		}
		waiting, err := n.Dial(t.Context(), "tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		fails(t, 0, a.Close(), net.ErrClosed)
		_, err = a.Accept()
		fails(t, 0, err, net.ErrClosed)
		readFails(t, waiting, syscall.ECONNRESET)
		_ = waiting.Close()
		go func() { time.Sleep(time.Minute); _ = b.Close() }()
		takes(t, time.Minute, func() { _, err = b.Accept() })
		fails(t, 0, err, net.ErrClosed)
		if again, err := n.Listen("tcp", a.Addr().String()); err != nil {
			t.Error(err)
		} else {
			_ = again.Close()
		}
	})
}

func TestDial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := New()
		n.Latency = 20 * time.Millisecond
		l, _ := n.Listen("tcp", address)
		defer func() { _ = l.Close() }()
		dial := func(ctx context.Context, address string, took time.Duration, want error) {
			t.Helper()
			takes(t, took, func() {
				c, err := n.Dial(ctx, "tcp", address)
				if want != nil {
					fails(t, 0, err, want)
				} else if err != nil {
					t.Error(err)
				} else {
					_ = c.Close()
				}
			})
		}
		dial(t.Context(), address, 40*time.Millisecond, nil)
		dial(t.Context(), "127.0.0.1:1", 40*time.Millisecond, syscall.ECONNREFUSED)
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		dial(canceled, address, 0, context.Canceled)
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		dial(short, address, time.Millisecond, context.DeadlineExceeded)

		n.OnDial = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		long, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		dial(long, address, time.Hour, context.DeadlineExceeded)
		n.OnDial = func(context.Context, string) error { time.Sleep(time.Minute); return nil }
		ignored, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		dial(ignored, address, time.Minute+40*time.Millisecond, context.DeadlineExceeded)
		n.OnDial = func(context.Context, string) error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }
		dial(t.Context(), address, 40*time.Millisecond, syscall.ECONNREFUSED)
	})
}

// Readers that look and alarms that ring at the same moment lose no byte: real time
// has more of such moments than fake time.
func TestRealTime(t *testing.T) {
	t.Parallel()
	n := New()
	n.Latency = time.Nanosecond
	l, _ := n.Listen("tcp", address)
	defer func() { _ = l.Close() }()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	c, err := n.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	for range 20000 {
		send(t, c, "ping")
		receive(t, c, "ping")
	}
	_ = c.Close()
}
