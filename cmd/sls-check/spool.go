package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

const (
	// usualPlaces is how many chunks of inputs with filesystem storage are in memory at a time where
	// storage.max_chunks_up is not set, or 0, and leastPlaces where it is below 0.
	// Source: Fluent Bit 5.1.1, flb_storage_create, flb_storage.c; cio_set_max_chunks_up, chunkio.c.
	usualPlaces = 128
	leastPlaces = 64
	// manyInputs use up Fluent Bit's places within a few minutes of an outage, whatever their storage.
	manyInputs = 20

	// Source: Linux, include/uapi/linux/magic.h.
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

// checkSpools looks at where chunks wait in an outage, and whether other pipelines wait with them.
func (c *check) checkSpools() {
	inputs, onDisk, taken := len(c.config.Of(fbconf.Input)), c.onDisk(), make(map[string]*fbconf.Property)
	for _, o := range c.outputs {
		p := o.First("spool_path")
		if p == nil || p.Value == "" {
			c.checkNoSpool(o, inputs, onDisk)
			continue
		}
		c.checkSpoolPath(p)
		if onDisk > 0 {
			c.checkHeld(o)
		}
		path := c.resolved(p.Value)
		if q := taken[path]; q != nil {
			c.fail(p.Place, "spool_path "+p.Shown()+" is taken", fmt.Sprintf("A spool is of one output alone, and Fluent Bit ends where two have the same. The other is at %v.", q.Place), "give each output its own directory")
			continue
		}
		taken[path] = p
	}
}

// places is how many chunks of inputs with filesystem storage Fluent Bit holds at a time.
func (c *check) places() int {
	n := atoi(value(c.service, "storage.max_chunks_up"))
	switch {
	case n == 0:
		return usualPlaces
	case n < 0:
		return leastPlaces
	}
	return n
}

// onDisk is how many inputs have filesystem storage.
func (c *check) onDisk() (n int) {
	for _, in := range c.config.Of(fbconf.Input) {
		if c.storage(in) == "filesystem" {
			n++
		}
	}
	return n
}

// checkNoSpool warns where an outage of SLS soon stops everything in Fluent Bit.
func (c *check) checkNoSpool(o *output, inputs, onDisk int) {
	places := c.places()
	var what string
	switch {
	case onDisk > 0 && places < usualPlaces:
		what = fmt.Sprintf("spool_path is not set, and inputs with storage.type filesystem have %d places for chunks", places)
	case onDisk > places/4:
		what = fmt.Sprintf("spool_path is not set, and %d inputs with storage.type filesystem share %d places for chunks", onDisk, places)
	case inputs > manyInputs:
		what = fmt.Sprintf("spool_path is not set, and there are %d inputs", inputs)
	default:
		return
	}
	c.warn(o.Place, what, "In an outage of SLS the chunks that wait soon use up Fluent Bit's places (storage.max_chunks_up); then all inputs and the other outputs stand still.",
		"set spool_path to a directory next to storage.path, on a disk that outlives the process")
}

func (c *check) checkSpoolPath(p *fbconf.Property) {
	if storage := value(c.service, "storage.path"); storage != "" && within(c.resolved(p.Value), c.resolved(storage)) {
		c.warn(p.Place, "spool_path "+p.Shown()+" is in storage.path", "Fluent Bit takes each directory there for one of its own, with chunks in it.", "set spool_path to a directory next to storage.path")
	}
	if c.root == "" && inMemory(p.Value) {
		c.warn(p.Place, "spool_path "+p.Shown()+" is on a file system in memory", "Fluent Bit is told that chunks in the spool are kept; they are lost when the machine, or the container that has the file system, ends.",
			"set spool_path to a directory on a disk; in Kubernetes a hostPath")
	}
}

// checkHeld warns where max_held_chunks leaves the inputs no place.
func (c *check) checkHeld(o *output) {
	if o.parsed == nil || o.parsed.MaxHeldChunks < c.places() {
		return
	}
	at := o.First("spool_path").Place
	if p := o.First("max_held_chunks"); p != nil {
		at = p.Place
	}
	c.warn(at, fmt.Sprintf("max_held_chunks is %d, and storage.max_chunks_up %d", o.parsed.MaxHeldChunks, c.places()),
		"In an outage Fluent Bit holds max_held_chunks chunks, so that no place is left for those of its inputs: they stand still in spite of the spool.",
		"set max_held_chunks to half of storage.max_chunks_up at most")
}

// resolved is a path of the configuration on this machine, without links where it exists.
func (c *check) resolved(path string) string {
	path = filepath.Clean(c.here(path))
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	for dir, rest := path, ""; ; dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest) {
		switch real, err := filepath.EvalSymlinks(dir); {
		case err == nil:
			return filepath.Join(real, rest)
		case dir == filepath.Dir(dir):
			return path
		}
	}
}

// within tells whether a clean path is a directory or in it.
func within(path, dir string) bool {
	return strings.HasPrefix(path+"/", strings.TrimSuffix(dir, "/")+"/")
}

// inMemory tells whether a directory, or the one that it will be made in, is lost with the machine's memory.
func inMemory(path string) bool {
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(path, &s)
		switch {
		case err == nil:
			kind := uint32(s.Type)
			return kind == tmpfsMagic || kind == ramfsMagic
		case !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path):
			return false
		}
		path = filepath.Dir(path)
	}
}
