package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/sls"
)

// Flushes time out at any moment of their chunk's life, the one in which its
// result comes among them. Fluent Bit gives such a chunk again, and each lands
// once. A flush that is over is not woken, and its handle is not valid.
func TestBlockingFlushes(t *testing.T) {
	const (
		threads = 16
		each    = 100
		longest = 6 * time.Millisecond // wait of a flush, and delay of an acknowledgement
	)
	e, i := startInstance(t)
	handle := cgo.NewHandle(i)
	defer handle.Delete()
	ctx, cancel := context.WithCancel(t.Context())
	var delays, flushes sync.WaitGroup
	delays.Go(func() {
		for ctx.Err() == nil {
			e.DelayAcks(rand.N(longest))
			time.Sleep(time.Millisecond)
		}
	})
	var over, again atomic.Int64
	for thread := range threads {
		flushes.Go(func() {
			for n := range each {
				chunk := record(thread*each + n)
				for {
					over.Add(1)
					if r := flushBlocking(t, handle, chunk, rand.N(longest)); r == plugin.OK {
						break
					} else if r != plugin.Retry {
						t.Errorf("result %d", r)
					}
					again.Add(1)
				}
			}
		})
	}
	flushes.Wait()
	cancel()
	delays.Wait()
	t.Logf("%d flushes, %d of them timed out", over.Load(), again.Load())
	if again.Load() < threads {
		t.Errorf("%d flushes timed out", again.Load())
	}
	if n := e.Count("demo"); n != threads*each {
		t.Errorf("%d records landed, want %d", n, threads*each)
	}
}

// flushBlocking is what FLBPluginFlushCtx does where it cannot suspend.
func flushBlocking(t *testing.T, instance cgo.Handle, chunk []byte, limit time.Duration) plugin.Result {
	t.Helper()
	c := newFlush(t, chunk)
	fd := int(c.blocking.fd)
	defer syscall.Close(fd)
	deadline := time.Now().Add(limit)
	var handle cgo.Handle
	result := plugin.Result(slsAdvanceBlocking(_Ctype_uintptr_t(instance), c))
	for result == plugin.Pending {
		handle = cgo.Handle(c.blocking.handle)
		if !poll(fd, time.Until(deadline)) {
			slsDetachBlocking(_Ctype_uintptr_t(instance), c)
			result = plugin.Retry
			break
		}
		clearFD(uintptr(fd))
		result = plugin.Result(slsAdvanceBlocking(_Ctype_uintptr_t(instance), c))
	}
	clearFD(uintptr(fd))
	if poll(fd, rand.N(time.Millisecond)) {
		t.Error("a flush was woken when it was over")
	}
	if c.blocking.handle != 0 || handle != 0 && valid(handle) {
		t.Errorf("a flush is over, its handle %d is valid", handle)
	}
	return result
}

// Nothing is written to the eventfd when end has returned, however many
// goroutines are about to wake the flush.
func TestBlockingFlushEndsBeforeItsDescriptor(t *testing.T) {
	for range 300 {
		fd := eventFD(t)
		f := &blockingFlush{fd: _Ctype_int(fd)}
		ctx, cancel := context.WithCancel(t.Context())
		var waking sync.WaitGroup
		for range 4 {
			waking.Go(func() {
				for ctx.Err() == nil {
					f.Wake(plugin.OK)
				}
			})
		}
		if !poll(fd, time.Minute) {
			t.Fatal("not woken")
		}
		f.end()
		clearFD(uintptr(fd))
		if poll(fd, 100*time.Microsecond) {
			t.Error("a flush was woken when it was over")
		}
		cancel()
		waking.Wait()
		syscall.Close(fd)
	}
}

// A handle that is not valid costs a retry, and not the process.
func TestInvalidHandles(t *testing.T) {
	live, deleted, other := cgo.NewHandle(&instance{log: plugin.NewLog(nil, "test")}), cgo.NewHandle(0), cgo.NewHandle("other")
	defer live.Delete()
	defer other.Delete()
	deleted.Delete()
	for name, tt := range map[string]struct{ instance, flush cgo.Handle }{
		"instance deleted":     {deleted, 0},
		"no instance":          {0, 0},
		"not an instance":      {other, 0},
		"flush deleted":        {live, deleted},
		"not a blocking flush": {live, other},
	} {
		c := newFlush(t, record(0))
		c.blocking.handle = _Ctype_uintptr_t(tt.flush)
		if r := slsAdvanceBlocking(_Ctype_uintptr_t(tt.instance), c); plugin.Result(r) != plugin.Retry {
			t.Errorf("%s: result %d", name, r)
		}
		slsDetachBlocking(_Ctype_uintptr_t(tt.instance), c)
		slsDrainLog(_Ctype_uintptr_t(deleted))
		slsEncodePending(_Ctype_uintptr_t(deleted), nil, nil)
		syscall.Close(int(c.blocking.fd))
	}
}

// A panic ends the flush, wherever its waker is left.
func TestBlockingFlushPanics(t *testing.T) {
	live := cgo.NewHandle(&instance{log: plugin.NewLog(nil, "test")}) // without an output
	defer live.Delete()
	for name, call := range map[string]func(*_Ctype_struct_sls_flush) plugin.Result{
		"advance": func(c *_Ctype_struct_sls_flush) plugin.Result {
			return plugin.Result(slsAdvanceBlocking(_Ctype_uintptr_t(live), c))
		},
		"detach": func(c *_Ctype_struct_sls_flush) plugin.Result {
			slsDetachBlocking(_Ctype_uintptr_t(live), c)
			return plugin.Retry
		},
	} {
		c := newFlush(t, record(0))
		f := &blockingFlush{fd: c.blocking.fd}
		handle := cgo.NewHandle(f)
		c.blocking.handle = _Ctype_uintptr_t(handle)
		if r := call(c); r != plugin.Retry || c.blocking.handle != 0 || valid(handle) || f.fd >= 0 {
			t.Errorf("%s: result %d, handle %d of %d, descriptor %d", name, r, c.blocking.handle, handle, f.fd)
		}
		syscall.Close(int(c.blocking.fd))
	}
}

// startInstance starts an instance with an endpoint of its own.
func startInstance(t *testing.T) (*sls.Endpoint, *instance) {
	t.Helper()
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	properties := map[string]string{"project": e.Project(), "logstore": "demo", "endpoint": e.Addr(), "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret", "flush_mode": "blocking", "linger": "1ms"}
	cfg, _, err := config.Parse(config.Source{Property: func(key string) string { return properties[key] }, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	i := newInstance(cfg, plugin.NewLog(nil, "test"))
	if i.out, err = plugin.New(cfg, plugin.Env{Log: i.log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !i.out.Close() {
			t.Error("the output did not end")
		}
	})
	return e, i
}

// newFlush is a flush of a chunk, as C makes it.
func newFlush(t *testing.T, chunk []byte) *_Ctype_struct_sls_flush {
	t.Helper()
	tag := []byte("test.tag\x00")
	c := &_Ctype_struct_sls_flush{data: unsafe.Pointer(&chunk[0]), size: _Ctype_size_t(len(chunk)), tag: (*_Ctype_char)(unsafe.Pointer(&tag[0])), on_worker: 1}
	c.blocking.fd = _Ctype_int(eventFD(t))
	return c
}

func eventFD(t *testing.T) int {
	t.Helper()
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		t.Error(errno)
	}
	return int(fd)
}

// poll waits until a descriptor is readable, and tells whether it is.
func poll(fd int, limit time.Duration) bool {
	const pollIn = 1
	p := struct {
		fd              int32
		events, revents int16
	}{int32(fd), pollIn, 0}
	timeout := syscall.NsecToTimespec(max(0, limit.Nanoseconds()))
	n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return n == 1
}

// valid tells whether a handle was not deleted.
func valid(h cgo.Handle) (ok bool) {
	defer func() { ok = recover() == nil }()
	h.Value()
	return
}

// record is a chunk of one event.
func record(n int) []byte {
	b := msgp.AppendArrayHeader(nil, 2)
	b = append(b, 0xd7, 0x00, 0x4b, 0x3d, 0x3b, 0x00, 0, 0, 0, 0) // 2010-01-01
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "log")
	return msgp.AppendString(b, fmt.Sprint("n=", n))
}
