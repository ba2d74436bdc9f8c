package simdisk

import "slices"

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

// Corrupt changes a byte of a file.
func (d *Disk) Corrupt(name string, offset int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name].now[offset] ^= 0xff
}
