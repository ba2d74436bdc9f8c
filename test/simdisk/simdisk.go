// Package simdisk is a directory in memory that behaves as one on a disk does when it
// fails: what was not synced may be lost with a crash, in parts and in any order; writes
// and syncs may fail, hang, or find the disk full.
package simdisk

import (
	"math/rand/v2"
	"slices"
	"sync"
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

func (d *Disk) newDataLocked() *data {
	d.made++
	return &data{made: d.made - 1, dirty: make(map[int]struct{})}
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
