package simdisk

import (
	"io/fs"

	"out_sls_kafka/plugin/spool"
)

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
