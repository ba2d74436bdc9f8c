package simdisk

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
)

// directory is where the files are.
const directory = "/new/spool"

// tree are the directories that exist, and whether a power cut leaves them for certain.
type tree map[string]bool

func newTree() tree { return tree{"/": true} }

// put makes the directory durably.
func (t tree) put() {
	for path := directory; path != "/"; path = filepath.Dir(path) {
		t[path] = true
	}
}

func (t tree) exists() bool {
	_, found := t[directory]
	return found
}

// durable tells whether a power cut leaves the directory for certain.
func (t tree) durable() bool { return t[directory] && t[filepath.Dir(directory)] }

// crash drops some of the directories that are not durable. It returns false if the
// directory is not there any more.
func (t tree) crash(random *rand.Rand) bool {
	for _, path := range []string{filepath.Dir(directory), directory} {
		durable, found := t[path]
		if found && (t[filepath.Dir(path)] && (durable || random.IntN(2) == 0)) {
			t[path] = true
			continue
		}
		delete(t, path)
	}
	return t[directory]
}

// simTree is the disk as a [spool.Tree].
type simTree Disk

func (t *simTree) step(op, path string, f func() error) error {
	d := (*Disk)(t)
	if err := d.check(op, path); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return f()
}

// Exists implements [spool.Tree].
func (t *simTree) Exists(path string) (found bool, err error) {
	d := (*Disk)(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	_, found = d.tree[path]
	return found, nil
}

// Mkdir implements [spool.Tree].
func (t *simTree) Mkdir(path string) error {
	return t.step("mkdir", path, func() error {
		if _, found := t.tree[path]; found {
			return fs.ErrExist
		}
		if _, found := t.tree[filepath.Dir(path)]; !found {
			return fs.ErrNotExist
		}
		t.tree[path] = false
		return nil
	})
}

// Remove implements [spool.Tree].
func (t *simTree) Remove(path string) error {
	return t.step("rmdir", path, func() error {
		delete(t.tree, path)
		return nil
	})
}

// Sync implements [spool.Tree].
func (t *simTree) Sync(path string) error {
	return t.step("syncabove", path, func() error {
		for made := range t.tree {
			if filepath.Dir(made) == path {
				t.tree[made] = true
			}
		}
		return nil
	})
}
