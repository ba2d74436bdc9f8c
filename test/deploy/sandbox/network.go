package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Network is a network namespace with nothing but loopback.
type Network struct {
	calls chan func()
	path  string // of the namespace, in proc(5)
}

// NewNetwork makes a network that lasts as long as the test.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	needRoot(t)
	n := &Network{calls: make(chan func())}
	made := make(chan error)
	go n.serve(made)
	if err := <-made; err != nil {
		t.Fatalf("network namespace: %v", err)
	}
	t.Cleanup(func() { close(n.calls) })
	return n
}

// serve runs calls on a thread that is in the namespace. It is never unlocked, so it ends with the goroutine.
func (n *Network) serve(made chan<- error) {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		made <- err
		return
	}
	n.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
	made <- loopbackUp()
	for f := range n.calls {
		f()
	}
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// Do runs f on a thread in the network and returns when it has. A socket that f makes, on its own goroutine, belongs to
// the network until it is closed.
func (n *Network) Do(f func()) {
	done := make(chan struct{})
	n.calls <- func() { defer close(done); f() }
	<-done
}

// Client is an HTTP client in the network. Addresses must be numeric: names are looked up outside.
func (n *Network) Client() *http.Client {
	dial := func(ctx context.Context, network, address string) (c net.Conn, err error) {
		n.Do(func() { c, err = new(net.Dialer).DialContext(ctx, network, address) })
		return c, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 10 * time.Second}
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: containers are made with chroot, mounts and namespaces")
	}
}
