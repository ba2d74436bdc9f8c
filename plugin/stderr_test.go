package plugin

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// A process goes on where nobody reads its standard error, be the reader gone
// or only slow: the plugin's lines are lost then. Run in a process of its own,
// which logs more than a pipe holds once its input has ended.
func TestStderrWithoutReader(t *testing.T) {
	t.Parallel()
	const role = "STDERR_WITHOUT_READER"
	if os.Getenv(role) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		var writers sync.WaitGroup
		for range 16 {
			writers.Go(func() {
				log := NewLog(nil, "none")
				for range 20 {
					log.Errorf("%s", strings.Repeat("a line that nobody reads ", 100))
				}
			})
		}
		writers.Wait()
		_, _ = io.WriteString(os.Stdout, "alive\n")
		return
	}
	for _, row := range []struct {
		name string
		open func(*testing.T) (read, write *os.File)
		gone bool
	}{
		{"the reader of a pipe is gone", pipe, true},
		{"the reader of a pipe does not read", pipe, false},
		{"the reader of a socket is gone", socket, true},
		{"the reader of a socket does not read", socket, false},
		{"nobody reads the terminal", terminal, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			read, write := row.open(t)
			defer read.Close()
			ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStderrWithoutReader$")
			cmd.Env, cmd.Stderr = append(os.Environ(), role+"=1"), write
			var stdout strings.Builder
			cmd.Stdout = &stdout
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			write.Close()
			if row.gone {
				read.Close()
			}
			stdin.Close()
			if err := cmd.Wait(); err != nil || !strings.HasPrefix(stdout.String(), "alive\n") {
				t.Errorf("the process ended with %v after %q", err, stdout.String())
			}
		})
	}
}

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return read, write
}

func socket(t *testing.T) (read, write *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "read"), os.NewFile(uintptr(fds[1]), "write")
}

// terminal is one whose other side, which a person would look at, is not read.
func terminal(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made: %v: what is written to one is not tested", err)
	}
	var number uint32
	unlock := int32(0)
	for _, call := range []struct {
		request uintptr
		at      unsafe.Pointer
	}{{syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)}, {syscall.TIOCGPTN, unsafe.Pointer(&number)}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, read.Fd(), call.request, uintptr(call.at)); errno != 0 {
			t.Fatal(errno)
		}
	}
	write, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be opened: %v: what is written to one is not tested", err)
	}
	return read, write
}
