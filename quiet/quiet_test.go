package quiet

import (
	"syscall"
	"testing"
)

func TestPipe(t *testing.T) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	in, out := uintptr(p[0]), uintptr(p[1])
	got := make([]byte, 1<<20)
	want := func(what string, n int, errno syscall.Errno, wantN int, wantErrno syscall.Errno) {
		t.Helper()
		if n != wantN || errno != wantErrno {
			t.Errorf("%s: %d bytes, %v; want %d, %v", what, n, errno, wantN, wantErrno)
		}
	}
	n, errno := Read(in, got)
	want("an empty pipe", n, errno, 0, syscall.EAGAIN)
	n, errno = Write(out, []byte("hello"))
	want("a write", n, errno, 5, 0)
	n, errno = Write(out, nil)
	want("a write of nothing", n, errno, 0, 0)
	if n, errno = Read(in, got); n != 5 || errno != 0 || string(got[:5]) != "hello" {
		t.Errorf("read %q, %v", got[:n], errno)
	}
	if n, errno = Write(out, got); n <= 0 || n >= len(got) || errno != 0 {
		t.Errorf("wrote %d bytes of %d to a pipe of less, %v", n, len(got), errno)
	}
	n, errno = Write(out, got)
	want("a full pipe", n, errno, 0, syscall.EAGAIN)
	if err := syscall.Close(p[1]); err != nil {
		t.Fatal(err)
	}
	for n > 0 || errno != 0 {
		if n, errno = Read(in, got); errno != 0 {
			t.Fatal(errno)
		}
	}
	want("the end", n, errno, 0, 0)
	n, errno = Read(out, got)
	want("a descriptor that is closed", n, errno, 0, syscall.EBADF)
	if err := syscall.Close(p[0]); err != nil {
		t.Fatal(err)
	}
}
