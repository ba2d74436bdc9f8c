package simdisk

import (
	"math/rand/v2"
	"sync"
	"syscall"

	"out_sls_kafka/plugin/spool"
)

// Mount is the disk as one process has it. After [Mount.End] or [Mount.Cut] it changes
// nothing any more, though somebody may still wait in one of its calls: what hangs in a
// disk ends with its process, and the next one has a Mount of its own.
type Mount struct {
	disk  *Disk
	fault func(op, name string) error

	mu    sync.Mutex // held while the disk is used, never while a fault lasts
	ended bool
	lock  spool.Lock // nil: the process does not have the lock
}

// Mount mounts the disk. fault is called before each step, as with [Disk.FailWith].
func (d *Disk) Mount(fault func(op, name string) error) *Mount {
	return &Mount{disk: d, fault: fault}
}

// End is the end of the process. What it wrote is in the system's memory, and stays.
func (m *Mount) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked()
}

func (m *Mount) endLocked() {
	m.ended = true
	if m.lock != nil {
		m.lock.Unlock()
		m.lock = nil
	}
}

// Cut is a power cut: see [Disk.Crash].
func (m *Mount) Cut(random *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked()
	m.disk.Crash(random)
}

// do runs a step, unless it fails or the process has ended.
func (m *Mount) do(op, name string, step func() error) error {
	if err := m.fault(op, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return syscall.EIO
	}
	return step()
}

// Lock implements [spool.Files].
func (m *Mount) Lock() (spool.Lock, error) {
	var l spool.Lock
	err := m.do("lock", "", func() (err error) {
		if l, err = m.disk.Lock(); err == nil {
			m.lock = l
		}
		return err
	})
	return &mountedLock{m, l}, err
}

type mountedLock struct {
	mount *Mount
	lock  spool.Lock
}

func (l *mountedLock) Named() error { return l.lock.Named() }

func (l *mountedLock) Unlock() {
	l.mount.mu.Lock()
	defer l.mount.mu.Unlock()
	if l.mount.lock == l.lock && l.lock != nil {
		l.lock.Unlock()
		l.mount.lock = nil
	}
}

// List implements [spool.Files].
func (m *Mount) List() (names []string, err error) {
	err = m.do("list", "", func() (err error) {
		names, err = m.disk.List()
		return err
	})
	return names, err
}

// Create implements [spool.Files].
func (m *Mount) Create(name string) (spool.File, error) { return m.file("create", name, m.disk.Create) }

// Open implements [spool.Files].
func (m *Mount) Open(name string) (spool.File, error) { return m.file("open", name, m.disk.Open) }

func (m *Mount) file(op, name string, get func(string) (spool.File, error)) (spool.File, error) {
	f := &mountedFile{mount: m, name: name}
	err := m.do(op, name, func() (err error) {
		f.file, err = get(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Remove implements [spool.Files].
func (m *Mount) Remove(name string) error {
	return m.do("remove", name, func() error { return m.disk.Remove(name) })
}

// Sync implements [spool.Files].
func (m *Mount) Sync() error { return m.do("syncdir", "", m.disk.Sync) }

type mountedFile struct {
	mount *Mount
	name  string
	file  spool.File
}

func (f *mountedFile) ReadAt(b []byte, offset int64) (n int, err error) {
	err = f.mount.do("read", f.name, func() (err error) {
		n, err = f.file.ReadAt(b, offset)
		return err
	})
	return n, err
}

func (f *mountedFile) WriteAt(b []byte, offset int64) (n int, err error) {
	err = f.mount.do("write", f.name, func() (err error) {
		n, err = f.file.WriteAt(b, offset)
		return err
	})
	return n, err
}

func (f *mountedFile) Truncate(size int64) error {
	return f.mount.do("truncate", f.name, func() error { return f.file.Truncate(size) })
}

func (f *mountedFile) Size() (int64, error) { return f.file.Size() }

func (f *mountedFile) Sync() error {
	return f.mount.do("sync", f.name, func() error { return f.file.Sync() })
}

func (f *mountedFile) Named() error { return f.file.Named() }

func (f *mountedFile) Close() error { return f.file.Close() }
