package spool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

// The limit is reached when that much is written, however low it is; and single chunks that
// stay for days leave most of it free, for as many outages as there are.
func TestLowLimits(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{16 << 20, 24 << 20, 42 << 20, 64 << 20} {
		t.Run(fmt.Sprint(limit>>20, "M"), func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, simdisk.New(), limit)
			kept := 0
			for outage := range 6 {
				all := fill(t, s)
				if st := s.Stats(); st.Bytes > limit || st.Bytes < limit*9/10 {
					t.Fatalf("outage %d: the spool is full with %d bytes of %d", outage, st.Bytes, limit)
				}
				stored := int64(len(all)) * 100 << 10
				if stored < limit/2 {
					t.Errorf("outage %d: only %d bytes found room, of %d", outage, stored, limit)
				}
				for i, e := range all {
					if i%50 == 0 {
						kept++
						s.Release(e)
						continue
					}
					if err := s.Done(e); err != nil {
						t.Fatal(err)
					}
				}
				for s.Sparse() {
					if n, err := s.Compact(); err != nil || n == 0 {
						t.Fatalf("%d moved, %v", n, err)
					}
				}
			}
			if st := s.Stats(); st.Chunks != kept {
				t.Errorf("%d chunks are left of %d", st.Chunks, kept)
			}
		})
	}
}

// fill stores chunks, in the batches of the spooler, until nothing fits.
func fill(t *testing.T, s *spool.Spool) (all []*spool.Entry) {
	t.Helper()
	chunk := []byte(strings.Repeat("x", 100<<10))
	for {
		var b spool.Batch
		for room := s.Room(); b.Size()+spool.SizeOf("tag", len(chunk)) <= min(room, s.BatchBytes()); {
			b.Add("tag", at, chunk)
		}
		if b.Len() == 0 {
			b.Add("tag", at, chunk)
			if _, err := s.Append(&b); !errors.Is(err, spool.ErrFull) {
				t.Fatalf("without room: %v", err)
			}
			return all
		}
		entries, err := s.Append(&b)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entries...)
	}
}
