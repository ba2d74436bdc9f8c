package main

import (
	"fmt"
	"runtime/cgo"
	"sync"

	"golang.org/x/sys/unix"

	"out_sls_kafka/plugin"
)

// instance is one [OUTPUT] section: its output, and the flushes that wait.
type instance struct {
	cfg    *plugin.Config
	out    *plugin.Output
	log    *plugin.Log
	thread int // the one that initialised us: the engine's, not a worker's
	blocks sync.Once

	mu      sync.Mutex
	flushes map[*flush]cgo.Handle
}

func newInstance(cfg *plugin.Config, out *plugin.Output, log *plugin.Log) *instance {
	return &instance{cfg: cfg, out: out, log: log, thread: unix.Gettid(), flushes: make(map[*flush]cgo.Handle)}
}

// instanceOf finds the instance of a context the host handed back.
func instanceOf(remote uintptr) (*instance, bool) {
	if remote == 0 {
		return nil, false
	}
	i, ok := cgo.Handle(remote).Value().(*instance)
	return i, ok
}

// flush is one call of FLBPluginFlushCtx.
type flush struct {
	instance *instance
	chunk    *plugin.Chunk
	event    eventFD
}

// submit takes a chunk in and returns the handle by which the flush, in C,
// knows it.
func (i *instance) submit(tag string, data []byte) (*flush, cgo.Handle, error) {
	event, err := newEventFD()
	if err != nil {
		return nil, 0, err
	}
	f := &flush{instance: i, event: event}
	f.chunk = i.out.Submit(tag, data, event, unix.Gettid() != i.thread)
	handle := cgo.NewHandle(f)
	i.mu.Lock()
	i.flushes[f] = handle
	i.mu.Unlock()
	return f, handle, nil
}

// release ends a flush: its chunk has a result, or its wait was cut short.
func (f *flush) release() {
	i := f.instance
	i.mu.Lock()
	defer i.mu.Unlock()
	i.drop(f)
}

// drop forgets a flush. i.mu is held.
func (i *instance) drop(f *flush) {
	i.flushes[f].Delete()
	delete(i.flushes, f)
	unix.Close(int(f.event))
}

// close ends the output. The host may leave coroutines suspended for good when
// it exits: what they held is freed here, but not while it could still be used.
func (i *instance) close() {
	ended := i.out.Close()
	i.log.Drain()
	if !ended {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for f := range i.flushes {
		i.drop(f)
	}
}

// eventFD is a Linux eventfd as a waker.
type eventFD int

func newEventFD() (eventFD, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, fmt.Errorf("eventfd: %w", err)
	}
	return eventFD(fd), nil
}

// Wake makes the descriptor readable.
func (e eventFD) Wake() {
	one := [8]byte{1} // any number but 0, in either byte order
	for {
		if _, err := unix.Write(int(e), one[:]); err != unix.EINTR {
			return
		}
	}
}
