// Package simdisk is a directory in memory that behaves as one on a disk does when it
// fails: what was not synced may be lost with a crash, in parts and in any order; writes
// and syncs may fail, hang, or find the disk full.
package simdisk

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"out_sls_kafka/plugin/spool"
)

// Disk is the directory. It implements [spool.Files].
type Disk struct {
	mu     sync.Mutex
	files  map[string]*data // as they are seen
	synced map[string]*data // that a crash leaves
	tree   tree             // the directory, and those above it
	locked *lock            // nil: nobody has the directory
	made   int              // files
	room   int64            // bytes that may still be written; negative: any number
	fail   func(op, name string) error

	written int64 // bytes
	syncs   int
}

// sector is what a disk writes as a whole.
const sector = 512

type data struct {
	made    int
	now     []byte
	durable []byte
	dirty   map[int]struct{} // sectors that were written and not synced
}

// New returns a disk whose directory is not made yet: Lock makes it.
func New() *Disk {
	return &Disk{files: make(map[string]*data), synced: make(map[string]*data), tree: newTree(), room: -1}
}

// FailWith has f called before each step: lock, mkdir, rmdir, syncabove, list, create, open,
// remove, syncdir, read, write, truncate, sync. It may wait; an error is the step's. nil: nothing fails.
func (d *Disk) FailWith(f func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = f
}

// SetRoom sets how many bytes may still be written; negative: any number.
func (d *Disk) SetRoom(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = bytes
}

// Written is how many bytes were written, and how many times something was synced.
func (d *Disk) Written() (bytes int64, syncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.written, d.syncs
}

// Names are the files that are seen.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.namesLocked()
}

func (d *Disk) namesLocked() (names []string) {
	for name := range d.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Crash is a power cut: of what was not synced, random sectors are kept. Who has files
// open must not use them any more.
func (d *Disk) Crash(random *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.tree.crash(random) {
		clear(d.files)
		clear(d.synced)
	}
	for name, f := range d.files {
		if d.synced[name] == f || random.IntN(2) == 0 {
			d.synced[name] = f
		}
	}
	for name, f := range d.synced {
		if d.files[name] != f && random.IntN(2) == 0 {
			delete(d.synced, name) // its deletion reached the disk
		}
	}
	d.files = make(map[string]*data)
	for name, f := range d.synced {
		f.crash(random)
		d.files[name] = f
	}
	d.locked = nil
}

// Delete is somebody who deletes a file.
func (d *Disk) Delete(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
}

// DeleteAll is somebody who deletes the directory, with all that is in it.
func (d *Disk) DeleteAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.files)
	delete(d.tree, directory)
	d.locked = nil
}

func (f *data) crash(random *rand.Rand) {
	kept := slices.Clone(f.durable)
	for _, s := range sorted(f.dirty) {
		if random.IntN(2) == 0 {
			continue
		}
		from, to := s*sector, min((s+1)*sector, len(f.now))
		if from >= to {
			continue
		}
		if len(kept) < to {
			kept = append(kept, make([]byte, to-len(kept))...)
		}
		copy(kept[from:to], f.now[from:to])
	}
	f.now, f.durable, f.dirty = kept, slices.Clone(kept), make(map[int]struct{})
}

func sorted(set map[int]struct{}) (all []int) {
	for i := range set {
		all = append(all, i)
	}
	slices.Sort(all)
	return all
}

// Content is what is in a file.
func (d *Disk) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.files[name].now)
}

// Content is what is in a file. It must not be changed.
type Content struct {
	Name string
	Made int // how many files were made before it: names come again
	Now  []byte
	// Durable is what a power cut leaves of it for certain; nil: it may leave nothing.
	Durable []byte
	// Removed: it is not seen any more, but a power cut may bring it back.
	Removed bool
}

// Each calls f with each file. f must not use the disk.
func (d *Disk) Each(f func(Content)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, file := range d.files {
		c := Content{Name: name, Made: file.made, Now: file.now}
		if d.synced[name] == file && d.tree.durable() {
			c.Durable = file.durable
		}
		f(c)
	}
	for name, file := range d.synced {
		if d.files[name] != file {
			f(Content{Name: name, Made: file.made, Now: file.now, Removed: true})
		}
	}
}

// Put makes a file that is synced.
func (d *Disk) Put(name string, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.newDataLocked()
	f.now, f.durable = slices.Clone(content), slices.Clone(content)
	d.tree.put()
	d.files[name], d.synced[name] = f, f
}

func (d *Disk) newDataLocked() *data {
	d.made++
	return &data{made: d.made - 1, dirty: make(map[int]struct{})}
}

// Corrupt changes a byte of a file.
func (d *Disk) Corrupt(name string, offset int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name].now[offset] ^= 0xff
}

// check is the failure of a step, if it has one.
func (d *Disk) check(op, name string) error {
	d.mu.Lock()
	fail := d.fail
	d.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(op, name)
}

// Lock implements [spool.Files].
func (d *Disk) Lock() (spool.Lock, error) {
	if err := d.check("lock", ""); err != nil {
		return nil, err
	}
	if err := spool.MakeDirectory((*simTree)(d), directory); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked != nil {
		return nil, spool.ErrLocked
	}
	d.locked = &lock{d}
	return d.locked, nil
}

// lock is the lock file as one spool has it.
type lock struct{ disk *Disk }

// Named implements [spool.Lock].
func (l *lock) Named() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.disk.locked != l {
		return spool.ErrGone
	}
	return nil
}

// Unlock implements [spool.Lock].
func (l *lock) Unlock() {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.disk.locked == l {
		l.disk.locked = nil
	}
}

// List implements [spool.Files].
func (d *Disk) List() ([]string, error) {
	if err := d.check("list", ""); err != nil {
		return nil, err
	}
	return d.Names(), nil
}

// Create implements [spool.Files].
func (d *Disk) Create(name string) (spool.File, error) {
	if err := d.check("create", name); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.tree.exists():
		return nil, fs.ErrNotExist
	case d.files[name] != nil:
		return nil, fs.ErrExist
	}
	f := d.newDataLocked()
	d.files[name] = f
	return &file{d, f, name}, nil
}

// Open implements [spool.Files].
func (d *Disk) Open(name string) (spool.File, error) {
	if err := d.check("open", name); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return &file{d, f, name}, nil
}

// Remove implements [spool.Files].
func (d *Disk) Remove(name string) error {
	if err := d.check("remove", name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.files, name)
	return nil
}

// Sync implements [spool.Files].
func (d *Disk) Sync() error {
	if err := d.check("syncdir", ""); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	d.synced = make(map[string]*data)
	for name, f := range d.files {
		d.synced[name] = f
	}
	return nil
}

type file struct {
	disk *Disk
	data *data
	name string
}

func (f *file) ReadAt(b []byte, offset int64) (int, error) {
	if err := f.disk.check("read", f.name); err != nil {
		return 0, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if offset >= int64(len(f.data.now)) {
		return 0, io.EOF
	}
	n := copy(b, f.data.now[offset:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, offset int64) (n int, err error) {
	if err := f.disk.check("write", f.name); err != nil {
		return 0, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if d := f.disk; d.room >= 0 {
		// A full disk refuses what makes a file longer.
		if more := offset + int64(len(b)) - int64(len(f.data.now)); more > d.room {
			b, err = b[:max(0, int64(len(b))-(more-d.room))], syscall.ENOSPC
		}
		d.room -= max(0, offset+int64(len(b))-int64(len(f.data.now)))
	}
	f.put(b, int(offset))
	return len(b), err
}

func (f *file) put(b []byte, offset int) {
	if len(b) == 0 {
		return
	}
	if grow := offset + len(b) - len(f.data.now); grow > 0 {
		f.data.now = append(f.data.now, make([]byte, grow)...)
	}
	copy(f.data.now[offset:], b)
	for s := offset / sector; s <= (offset+len(b)-1)/sector; s++ {
		f.data.dirty[s] = struct{}{}
	}
	f.disk.written += int64(len(b))
}

func (f *file) Truncate(size int64) error {
	if err := f.disk.check("truncate", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if freed := int64(len(f.data.now)) - size; freed > 0 {
		f.data.now = f.data.now[:size:size]
		for s := int(size) / sector; s*sector < len(f.data.durable); s++ {
			f.data.dirty[s] = struct{}{}
		}
		if f.disk.room >= 0 {
			f.disk.room += freed
		}
	}
	return nil
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.data.now)), nil
}

func (f *file) Sync() error {
	if err := f.disk.check("sync", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncs++
	f.data.sync()
	return nil
}

// sync copies what was written since the last time.
func (f *data) sync() {
	if n := len(f.now); n < len(f.durable) {
		f.durable = f.durable[:n:n]
	} else {
		f.durable = append(f.durable, make([]byte, n-len(f.durable))...)
	}
	for s := range f.dirty {
		if from := s * sector; from < len(f.now) {
			copy(f.durable[from:], f.now[from:min(from+sector, len(f.now))])
		}
	}
	clear(f.dirty)
}

func (f *file) Named() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.files[f.name] != f.data {
		return spool.ErrGone
	}
	return nil
}

func (f *file) Close() error { return nil }
