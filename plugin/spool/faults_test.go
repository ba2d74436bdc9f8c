package spool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

var errBurns = errors.New("it burns")

// failOn has steps fail that match.
func failOn(disk *simdisk.Disk, match func(op, name string) bool) {
	disk.FailWith(func(op, name string) error {
		if match(op, name) {
			return errBurns
		}
		return nil
	})
}

// large is a chunk that fills a segment.
func large(name string) string { return name + strings.Repeat("x", 17<<20) }

// within runs f, which must not wait for a disk that hangs.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Errorf("%s waits for the disk", what)
	}
}

// A disk that hangs while it deletes a file holds up neither who looks at the numbers nor
// the end: both are Fluent Bit's thread.
func TestRemoveThatHangs(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"done", "failed"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			disk, hangs, began := simdisk.New(), make(chan struct{}), make(chan struct{})
			s := mustOpen(t, disk, 1<<30)
			defer close(hangs)
			disk.FailWith(func(op, _ string) error {
				switch {
				case op == "remove":
					close(began)
					<-hangs
				case op == "sync" && by == "failed":
					return errBurns
				}
				return nil
			})
			go func() {
				var b spool.Batch
				b.Add("tag of a", at, []byte("a"))
				if all, err := s.Append(&b); err == nil {
					_ = s.Done(all[0])
				}
			}()
			<-began
			within(t, "Stats", func() { s.Stats() })
			within(t, "Unlock", s.Unlock)
		})
	}
}

// What cannot be read in one place holds up nothing behind it, and is not taken for done.
func TestUnreadablePlace(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 1<<30)
	for _, c := range []string{"a", "b", "c"} {
		for _, e := range store(t, s, large(c)) {
			s.Release(e)
		}
	}
	failOn(disk, func(op, name string) bool { return op == "read" && strings.HasPrefix(name, "0000000000000002") })
	got, failures := passOver(s)
	want(t, got, "a", "c")
	if failures == 0 {
		t.Error("nothing said that something could not be read")
	}
	disk.FailWith(nil)
	s.Rewind()
	got, _ = passOver(s)
	want(t, got, "b")
}

// passOver takes all that Next returns, with failures in between, and the number of these.
func passOver(s *spool.Spool) (names []string, failures int) {
	for failures < 100_000 {
		switch e, err := s.Next(); {
		case err != nil:
			failures++
		case e == nil:
			return names, failures
		default:
			if _, chunk, err := s.Read(e, nil); err == nil {
				names = append(names, string(chunk[:1]))
			} else {
				failures++
			}
		}
	}
	return append(names, "and so on without an end"), failures
}

// A file that cannot be read is kept, and the others are used.
func TestOpenWithAnUnreadableSegment(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"read", "open"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			disk := simdisk.New()
			s := mustOpen(t, disk, 1<<30)
			for _, c := range []string{"a", "b", "c"} {
				store(t, s, large(c))
			}
			s.Close()
			failOn(disk, func(o, name string) bool { return o == op && strings.HasPrefix(name, "0000000000000002") })
			s, damage, err := spool.Open(disk, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			if len(damage) == 0 || !strings.Contains(fmt.Sprint(damage), "it burns") {
				t.Errorf("nothing says that something cannot be read: %v", damage)
			}
			got, entries := rest(t, s)
			if len(got) != 2 || got[0][0] != 'a' || got[1][0] != 'c' {
				t.Errorf("%d chunks can be read", len(got))
			}
			for _, e := range entries {
				if err := s.Done(e); err != nil {
					t.Error(err)
				}
			}
			s.Close()
			disk.FailWith(nil)
			if got := storedNames(t, disk); got != "b" {
				t.Errorf("after the next start %q is there, want b", got)
			}
		})
	}
}

// A disk that can read nothing is another thing: it may be away for a moment.
func TestOpenWhileNothingCanBeRead(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	for range 40 {
		s := mustOpen(t, disk, 1<<30)
		store(t, s, "a")
		s.Close()
	}
	failOn(disk, func(op, _ string) bool { return op == "read" })
	if _, _, err := spool.Open(disk, 1<<30); !errors.Is(err, errBurns) {
		t.Errorf("Open: %v", err)
	}
	disk.FailWith(nil)
	if got := storedNames(t, disk); len(got) != 40 {
		t.Errorf("%d of 40 are left", len(got))
	}
}

func storedNames(t *testing.T, disk spool.Files) (names string) {
	t.Helper()
	s := mustOpen(t, disk, 1<<30)
	got, _ := rest(t, s)
	for _, c := range got {
		names += c[:1]
	}
	s.Close()
	return names
}

// An entry that is shorter than it was is damaged: to read it again is in vain.
func TestShortened(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 1<<30)
	for _, e := range store(t, s, "a1234", "b1234", "c1234") {
		s.Release(e)
	}
	e, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	f, err := disk.Open("0000000000000001.spool")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(16 + 32 + 9); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Read(e, nil); !errors.Is(err, spool.ErrDamaged) {
		t.Errorf("Read: %v", err)
	}
	for range 5 {
		e, err := s.Next()
		if e == nil {
			break
		}
		if _, _, err = s.Read(e, nil); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("Read: %v", err)
		}
	}
	if e, err := s.Next(); e != nil || err != nil {
		t.Errorf("Next behind the end: %v, %v", e, err)
	}
}

// What ends after the directory was given to others is not stored: they may have deleted
// the file, or looked at it before it was whole. What they have read is left alone.
func TestAppendThatEndsAfterUnlock(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		disk, hangs, began := simdisk.New(), make(chan struct{}), make(chan struct{})
		s := mustOpen(t, disk, 1<<30)
		for _, e := range store(t, s, "a") {
			s.Release(e)
		}
		disk.FailWith(func(op, _ string) error {
			if op == "sync" {
				close(began)
				<-hangs
				if fails {
					return errBurns
				}
			}
			return nil
		})
		result := make(chan error)
		go func() {
			var b spool.Batch
			b.Add("tag of b", at, []byte("b"))
			_, err := s.Append(&b)
			result <- err
		}()
		<-began
		s.Unlock()
		disk.FailWith(nil)
		next := mustOpen(t, disk, 1<<30)
		close(hangs)
		if err := <-result; err == nil {
			t.Error("Append tells that it has stored something")
		}
		got, _ := rest(t, next)
		want(t, got, "a", "b")
	}
}

// Single entries that stay for days do not keep the room of their whole files.
func TestCompact(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 80<<20)
	var all []*spool.Entry
	chunk := func(i int) string { return fmt.Sprintf("%04d", i) + strings.Repeat("x", 100<<10) }
	for s.Room() > 3<<20 {
		var chunks []string
		for i := range 20 {
			chunks = append(chunks, chunk(len(all)+i))
		}
		all = append(all, store(t, s, chunks...)...)
	}
	kept := 0
	var inUse *spool.Entry
	for i, e := range all {
		switch {
		case i%20 > 0:
			if err := s.Done(e); err != nil {
				t.Fatal(err)
			}
			continue
		case i == 40:
			inUse = e
		default:
			s.Release(e)
		}
		kept++
	}
	before := s.Stats()
	if s.Room() > 3<<20 || before.Chunks != kept {
		t.Fatalf("room for %d bytes, %+v", s.Room(), before)
	}
	for {
		n, err := s.Compact()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if room := s.Room(); room < 40<<20 {
		t.Errorf("there is room for %d bytes with %d of %d chunks", room, kept, len(all))
	}
	after := s.Stats()
	if after.Chunks != before.Chunks || after.Waiting != before.Waiting || !after.Oldest.Equal(before.Oldest) {
		t.Errorf("%+v after %+v", after, before)
	}
	if _, c, err := s.Read(inUse, nil); err != nil || string(c) != chunk(40) {
		t.Errorf("an entry that was in use is %.4s now, %v", c, err)
	}
	if err := s.Done(inUse); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = mustOpen(t, disk, 80<<20)
	got, entries := restOf(t, s)
	if len(got) != kept-1 || got["0040"] {
		t.Errorf("%d chunks are left of %d", len(got), kept-1)
	}
	for _, e := range entries {
		if err := s.Done(e); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st != (spool.Stats{}) || len(disk.Names()) > 0 {
		t.Errorf("in the end %+v in %q", st, disk.Names())
	}
}

// restOf takes all that Next returns, by the first four bytes.
func restOf(t *testing.T, s *spool.Spool) (names map[string]bool, entries []*spool.Entry) {
	t.Helper()
	names = make(map[string]bool)
	for {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return names, entries
		}
		_, chunk, err := s.Read(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		names[string(chunk[:4])], entries = true, append(entries, e)
	}
}

// Many small files, as many starts in an outage leave them, become few: each takes a
// descriptor.
func TestManyFilesBecomeFew(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	for i := range 400 {
		s := mustOpen(t, disk, 1<<30)
		store(t, s, fmt.Sprintf("%04d", i))
		s.Close()
	}
	s := mustOpen(t, disk, 1<<30)
	for s.Sparse() {
		if _, err := s.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(disk.Names()); n > 130 {
		t.Errorf("%d files", n)
	}
	if got, _ := restOf(t, s); len(got) != 400 {
		t.Errorf("%d chunks are left of 400", len(got))
	}
}

// What cannot be read is not what a crash left, also at the end of a file: nobody knows what
// stands there.
func TestUnreadableIsNotTorn(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	s := mustOpen(t, disk, 1<<30)
	store(t, s, "a")
	s.Close()
	reads := 0
	failOn(disk, func(op, _ string) bool {
		if op == "read" {
			reads++
		}
		return op == "read" && reads > 1 // what the file begins with can be read
	})
	s, damage, err := spool.Open(disk, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if len(damage) != 1 || damage[0].Err == nil || damage[0].Torn {
		t.Errorf("damage %+v, want one place that cannot be read", damage)
	}
	disk.FailWith(nil)
	if got := storedNames(t, disk); got != "a" {
		t.Errorf("after the next start %q is there", got)
	}
}
