package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

// A batch is not stored in a file that nobody finds again; what was in it before is moved to
// where it is found, and the next batch is stored.
func TestDeletedWhileOpen(t *testing.T) {
	t.Parallel()
	const first = "0000000000000001.spool"
	deletions := map[string]struct {
		simulated, real func(*testing.T, *simdisk.Disk, string)
	}{
		"segment": {
			simulated: func(_ *testing.T, d *simdisk.Disk, _ string) { d.Delete(first) },
			real:      func(t *testing.T, _ *simdisk.Disk, dir string) { must(t, os.Remove(filepath.Join(dir, first))) },
		},
		"replaced": {
			simulated: func(_ *testing.T, d *simdisk.Disk, _ string) { d.Put(first, []byte("another's")) },
			real: func(t *testing.T, _ *simdisk.Disk, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "other"), []byte("another's"), 0o600))
				must(t, os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, first)))
			},
		},
		"directory": {
			simulated: func(_ *testing.T, d *simdisk.Disk, _ string) { d.DeleteAll() },
			real:      func(t *testing.T, _ *simdisk.Disk, dir string) { must(t, os.RemoveAll(filepath.Dir(dir))) },
		},
		"directory replaced": {
			simulated: func(_ *testing.T, d *simdisk.Disk, _ string) { d.DeleteAll() },
			real: func(t *testing.T, _ *simdisk.Disk, dir string) {
				must(t, os.RemoveAll(dir))
				must(t, os.Mkdir(dir, 0o700))
			},
		},
	}
	for name, deletion := range deletions {
		t.Run(name+", simulated", func(t *testing.T) {
			t.Parallel()
			disk := simdisk.New()
			deleteWhileOpen(t, disk, func() { deletion.simulated(t, disk, "") })
			disk.Crash(rand.New(rand.NewPCG(1, 1)))
			if got := storedNames(t, disk); got != "cda" && got != "ca" {
				t.Errorf("after a power cut %q is there", got)
			}
		})
		t.Run(name+", real", func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "made", "spool")
			deleteWhileOpen(t, spool.Directory(dir), func() { deletion.real(t, nil, dir) })
			if got := storedNames(t, spool.Directory(dir)); got != "ca" {
				t.Errorf("after the next start %q is there", got)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deleteWhileOpen has something deleted while an entry is in the spool. It leaves two entries
// there.
func deleteWhileOpen(t *testing.T, files spool.Files, deletes func()) {
	t.Helper()
	s := mustOpen(t, files, 1<<30)
	store(t, s, "a")
	deletes()
	var b spool.Batch
	b.Add("tag of b", at, []byte("b"))
	if _, err := s.Append(&b); !errors.Is(err, spool.ErrGone) {
		t.Fatalf("Append: %v", err)
	}
	c := store(t, s, "c", "d")
	if _, _, err := spool.Open(files, 1<<30); !errors.Is(err, spool.ErrLocked) {
		t.Fatalf("a second one opens what is there now: %v", err)
	}
	if !s.Sparse() {
		t.Fatal("what is left in the file is not to be moved")
	}
	if n, err := s.Compact(); n != 1 || err != nil {
		t.Fatalf("%d were moved, %v", n, err)
	}
	if s.Sparse() || s.Stats().Chunks != 3 {
		t.Errorf("afterwards: %+v", s.Stats())
	}
	must(t, s.Done(c[1]))
	s.Close()
}

// What somebody deleted is noticed also where the next batch does not go into it: after a start,
// and where the last file is full, it makes a file of its own.
func TestDeletedWhileNothingGoesIntoIt(t *testing.T) {
	t.Parallel()
	for name, deletes := range map[string]func(dir string) error{
		"segment":   func(dir string) error { return os.Remove(filepath.Join(dir, "0000000000000001.spool")) },
		"directory": os.RemoveAll,
	} {
		for _, chunk := range []string{"a", large("a")} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, len(chunk)), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "spool")
				s := mustOpen(t, spool.Directory(dir), 1<<30)
				store(t, s, chunk)
				if len(chunk) == 1 {
					s.Close()
					s = mustOpen(t, spool.Directory(dir), 1<<30)
				}
				must(t, deletes(dir))
				store(t, s, "b")
				if n, err := s.Compact(); n != 1 || err != nil {
					t.Errorf("%d were moved, %v", n, err)
				}
				s.Close()
				if got := storedNames(t, spool.Directory(dir)); got != "ba" {
					t.Errorf("after the next start %q is there", got)
				}
			})
		}
	}
}
