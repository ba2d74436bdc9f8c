package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

var at = time.UnixMilli(1700000000123)

func mustOpen(t testing.TB, files spool.Files, limit int64) *spool.Spool {
	t.Helper()
	s, damage, err := spool.Open(files, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range damage {
		if !d.Torn {
			t.Fatalf("damage after nothing was damaged: %v", d)
		}
	}
	t.Cleanup(s.Close)
	return s
}

func store(t testing.TB, s *spool.Spool, chunks ...string) []*spool.Entry {
	t.Helper()
	var b spool.Batch
	for _, c := range chunks {
		b.Add("tag of "+c[:1], at, []byte(c))
	}
	entries, err := s.Append(&b)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// rest takes all that Next returns.
func rest(t testing.TB, s *spool.Spool) (chunks []string, entries []*spool.Entry) {
	t.Helper()
	for {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return chunks, entries
		}
		tag, chunk, err := s.Read(e, nil)
		if err != nil || tag != "tag of "+string(chunk[:1]) || !e.Given.Equal(at) || e.Bytes != len(chunk) {
			t.Fatalf("read %q, %.20q, %v, %d, %v", tag, chunk, e.Given, e.Bytes, err)
		}
		chunks, entries = append(chunks, string(chunk)), append(entries, e)
	}
}

func want(t testing.TB, got []string, chunks ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(chunks) {
		t.Fatalf("got %.200q, want %.200q", got, chunks)
	}
}

func TestWhatIsStoredIsReturnedInOrder(t *testing.T) {
	t.Parallel()
	dir := spool.Directory(filepath.Join(t.TempDir(), "made", "by it"))
	s := mustOpen(t, dir, 1<<30)
	for _, e := range store(t, s, "a1", "b2") {
		s.Release(e)
	}
	c := store(t, s, "c3")
	got, _ := rest(t, s)
	want(t, got, "a1", "b2") // c3 is in use
	if st := s.Stats(); st.Chunks != 3 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
	if err := s.Done(c[0]); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = mustOpen(t, dir, 1<<30)
	got, entries := rest(t, s)
	want(t, got, "a1", "b2")
	s.Release(entries[0])
	got, _ = rest(t, s)
	want(t, got)
	s.Rewind()
	got, _ = rest(t, s)
	want(t, got, "a1")
	for _, e := range entries {
		if err := s.Done(e); err != nil {
			t.Fatal(err)
		}
	}
	if names, _ := dir.List(); len(names) != 1 || s.Stats() != (spool.Stats{}) {
		t.Errorf("an empty spool has files %q and %+v", names, s.Stats())
	}
	want(t, storeAndRest(t, s, "x"), "x")
}

func storeAndRest(t testing.TB, s *spool.Spool, chunk string) []string {
	for _, e := range store(t, s, chunk) {
		s.Release(e)
	}
	got, _ := rest(t, s)
	return got
}

// An entry that is done while its header is already read ahead is not returned.
func TestDoneAheadOfNext(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, simdisk.New(), 1<<30)
	all := store(t, s, "a", "b", "c", "d")
	s.Release(all[0])
	s.Release(all[3])
	if e, err := s.Next(); err != nil || e.Bytes != 1 {
		t.Fatal(e, err)
	}
	if err := s.Done(all[2]); err != nil {
		t.Fatal(err)
	}
	got, _ := rest(t, s)
	want(t, got, "d")
}

func TestLimit(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 100<<10)
	big := "b" + strings.Repeat("x", 60<<10)
	first := store(t, s, big)
	var b spool.Batch
	b.Add("t", at, []byte(big))
	if _, err := s.Append(&b); !errors.Is(err, spool.ErrFull) {
		t.Fatalf("Append beyond the limit: %v", err)
	}
	if err := s.Done(first[0]); err != nil {
		t.Fatal(err)
	}
	store(t, s, big)
}

func TestSegmentsGoOneByOne(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 1<<30)
	var all []*spool.Entry
	for i := range 5 {
		all = append(all, store(t, s, fmt.Sprint(i)+strings.Repeat("x", 17<<20))...)
	}
	if n := len(disk.Names()); n != 5 {
		t.Fatalf("%d segments", n)
	}
	for i, n := range []int{2, 0, 4, 1, 3} {
		if err := s.Done(all[n]); err != nil {
			t.Fatal(err)
		}
		if left := len(disk.Names()); left != 4-i {
			t.Errorf("%d segments after %d of 5 are done", left, i+1)
		}
	}
}

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	dir := spool.Directory(t.TempDir())
	s := mustOpen(t, dir, 1<<30)
	if _, _, err := spool.Open(dir, 1<<30); !errors.Is(err, spool.ErrLocked) {
		t.Fatalf("a second one opens it: %v", err)
	}
	s.Close()
	mustOpen(t, dir, 1<<30)
}

func TestNoStrangersFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.Symlink(victim, filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := spool.Open(spool.Directory(dir), 1<<30); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a symbolic link was followed: %v", err)
	}
	if _, err := os.Stat(victim); err == nil {
		t.Error("its target was made")
	}
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, spool.Directory(dir), 1<<30)
	store(t, s, "a")
	s.Close()
	name := filepath.Join(dir, "0000000000000001.spool")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	newer := spool.HeaderOf(spool.Version + 1)
	if err := os.WriteFile(name, append(newer, b[len(newer):]...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = spool.Open(spool.Directory(dir), 1<<30)
	if !errors.Is(err, spool.ErrVersion) || !strings.Contains(err.Error(), "0000000000000001.spool") {
		t.Errorf("a newer format: %v", err)
	}
}

// Whatever byte is damaged, the other entries are returned, and the damage is named.
func TestDamage(t *testing.T) {
	t.Parallel()
	for offset := 0; offset < 16+3*(32+len("tag of a")+5); offset++ {
		disk := simdisk.New()
		s := mustOpen(t, disk, 1<<30)
		store(t, s, "a1234", "b1234", "c1234")
		s.Close()
		disk.Corrupt("0000000000000001.spool", offset)
		s, damage, err := spool.Open(disk, 1<<30)
		if err != nil {
			t.Fatalf("byte %d: %v", offset, err)
		}
		var good string
		bad, undone := len(damage), 0
		for {
			e, err := s.Next()
			if err != nil {
				t.Fatalf("byte %d: Next: %v", offset, err)
			}
			if e == nil {
				break
			}
			if _, chunk, err := s.Read(e, nil); err == nil {
				good += string(chunk[:1])
			} else if errors.Is(err, spool.ErrDamaged) {
				bad++
			} else {
				t.Fatal(err)
			}
			undone++
		}
		if entry := (offset - 16) / 45; offset < 16 {
			if good != "abc" || bad == 0 {
				t.Fatalf("byte %d of the header: %q, %d damaged", offset, good, bad)
			}
		} else if in := (offset - 16) % 45; in > 28 && in < 32 {
			if good != "abc" {
				t.Fatalf("byte %d, which means nothing: %q", offset, good)
			}
		} else if lost := string("abc"[entry]); good != strings.Replace("abc", lost, "", 1) || bad == 0 && in != 28 {
			t.Fatalf("byte %d of entry %s: %q, %d damaged, %d entries", offset, lost, good, bad, undone)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	failure := errors.New("disk on fire")
	for _, op := range []string{"create", "write", "sync", "syncdir"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			disk := simdisk.New()
			s := mustOpen(t, disk, 1<<30)
			if op == "sync" || op == "write" {
				for _, e := range store(t, s, "before") {
					s.Release(e)
				}
			}
			disk.FailWith(func(o, _ string) error {
				if o == op {
					return failure
				}
				return nil
			})
			var b spool.Batch
			b.Add("tag of l", at, []byte("lost"))
			for range 3 {
				if _, err := s.Append(&b); !errors.Is(err, failure) {
					t.Fatalf("Append: %v", err)
				}
			}
			disk.FailWith(nil)
			for _, e := range store(t, s, "after") {
				s.Release(e)
			}
			got, _ := rest(t, s)
			if op == "sync" || op == "write" {
				want(t, got, "before", "after")
			} else {
				want(t, got, "after")
			}
		})
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 1<<30)
	for _, e := range store(t, s, "first") {
		s.Release(e)
	}
	disk.SetRoom(10)
	var b spool.Batch
	b.Add("tag of s", at, []byte("second"))
	if _, err := s.Append(&b); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Append: %v", err)
	}
	disk.SetRoom(-1)
	for _, e := range store(t, s, "third") {
		s.Release(e)
	}
	got, _ := rest(t, s)
	want(t, got, "first", "third")
	s.Close()
	got, _ = rest(t, mustOpen(t, disk, 1<<30))
	want(t, got, "first", "third")
}

// A power cut at any moment loses nothing that Append returned and that was not done, and
// makes nothing up.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		disk := simdisk.New()
		compacts := seed%2 == 1
		stored, done := make(map[string]bool), make(map[string]bool)
		n := 0
		for range 6 {
			n = liveUntilCut(t, r, disk, stored, done, n, compacts)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

func liveUntilCut(t *testing.T, r *rand.Rand, disk *simdisk.Disk, stored, done map[string]bool, n int, compacts bool) int {
	s, _, err := spool.Open(disk, 200<<10)
	if err != nil {
		t.Fatal(err)
	}
	for compacts {
		if n, err := s.Compact(); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			break
		}
	}
	got, entries := rest(t, s)
	seen := make(map[string]bool)
	for _, chunk := range got {
		id := strings.TrimRight(chunk, "x")
		if seen[id] && !compacts {
			t.Errorf("%s is returned twice", id)
		}
		seen[id] = true
		if !stored[id] && !strings.HasPrefix(id, "?") {
			t.Errorf("%s was not stored", id)
		}
	}
	for id := range stored {
		if !seen[id] && !done[id] {
			t.Errorf("%s is lost", id)
		}
	}
	inUse := make(map[string]*spool.Entry)
	for i, e := range entries {
		inUse[strings.TrimRight(got[i], "x")] = e
	}
	cut := r.IntN(40)
	for range cut {
		switch r.IntN(4) {
		case 0, 1:
			n = appendSome(s, r, stored, inUse, n)
		default:
			for id, e := range inUse {
				if err := s.Done(e); err != nil {
					t.Error(err)
				}
				done[id] = true
				delete(inUse, id)
				break
			}
		}
	}
	n++
	var b spool.Batch // is being written
	b.Add("tag of ?", at, []byte(fmt.Sprintf("?%d", n)))
	step, failing := r.IntN(4), errors.New("cut")
	disk.FailWith(func(op, _ string) error {
		if step--; step < 0 {
			return failing
		}
		return nil
	})
	_, _ = s.Append(&b)
	disk.FailWith(nil)
	disk.Crash(r)
	return n
}

func appendSome(s *spool.Spool, r *rand.Rand, stored map[string]bool, inUse map[string]*spool.Entry, n int) int {
	var b spool.Batch
	var ids []string
	for range 1 + r.IntN(3) {
		n++
		id := fmt.Sprintf("%d|", n)
		ids = append(ids, id)
		b.Add("tag of "+id[:1], at, []byte(id+strings.Repeat("x", r.IntN(3000))))
	}
	entries, err := s.Append(&b)
	if err != nil {
		return n // full
	}
	for i, id := range ids {
		stored[id], inUse[id] = true, entries[i]
	}
	return n
}

// A hostile or broken file never makes it fail in another way than with an error.
func FuzzOpen(f *testing.F) {
	disk := simdisk.New()
	s := mustOpen(f, disk, 1<<30)
	store(f, s, "abc", "d")
	s.Close()
	f.Add(disk.Content("0000000000000001.spool"))
	f.Add([]byte("slsspool"))
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := simdisk.New()
		disk.Put("0000000000000001.spool", b)
		s, _, err := spool.Open(disk, 1<<30)
		if err != nil {
			return
		}
		for {
			e, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				break
			}
			if e.Bytes > len(b) {
				t.Fatalf("an entry of %d bytes in a file of %d", e.Bytes, len(b))
			}
			_, _, _ = s.Read(e, nil)
			if err := s.Done(e); err != nil {
				t.Fatal(err)
			}
		}
		if st := s.Stats(); st.Chunks != 0 {
			t.Fatalf("%+v are left", st)
		}
	})
}
