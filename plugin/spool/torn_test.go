package spool_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

// What a power cut leaves of a batch that was being written is not damage, whatever parts of it
// that are; all batches before it are whole.
func TestTornIsNotDamage(t *testing.T) {
	t.Parallel()
	parts := 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		disk, syncs := simdisk.New(), r.IntN(4)
		var m *simdisk.Mount
		m = disk.Mount(func(op, _ string) error {
			if op == "sync" {
				if syncs--; syncs < 0 {
					m.Cut(r)
				}
			}
			return nil
		})
		s := mustOpen(t, m, 1<<30)
		durable := 0
		for _, err := appendMany(s, r, "d"); err == nil; _, err = appendMany(s, r, "d") {
			durable++
		}
		s.Close()
		s, damage, err := spool.Open(disk, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range damage {
			if !d.Torn {
				t.Errorf("seed %d: %v are damaged", seed, d)
			}
			parts++
		}
		if len(damage) > 1 {
			t.Errorf("seed %d: %d places are torn by one cut", seed, len(damage))
		}
		got, _ := rest(t, s) // fails where one cannot be read
		if len(got) < durable*manyChunks || len(got) > (durable+1)*manyChunks {
			t.Errorf("seed %d: %d chunks are left of %d durable batches", seed, len(got), durable)
		}
		s.Close()
		mustOpen(t, disk, 1<<30).Close() // fails where something is damaged
	}
	if parts < 100 {
		t.Errorf("only %d of 500 cuts tore something", parts)
	}
}

const manyChunks = 10

func appendMany(s *spool.Spool, r *rand.Rand, name string) ([]*spool.Entry, error) {
	var b spool.Batch
	for range manyChunks {
		b.Add("tag of "+name, at, []byte(name+strings.Repeat("x", r.IntN(3000))))
	}
	return s.Append(&b)
}

// What is damaged in a batch that was synced is not torn, also in the last one.
func TestDamageIsNotTorn(t *testing.T) {
	t.Parallel()
	const entry = 32 + len("tag of a") + 5
	for batch := range 3 {
		for _, in := range []int{0, 10, 40} { // header, its checksum, the chunk
			disk := simdisk.New()
			s := mustOpen(t, disk, 1<<30)
			for _, c := range []string{"a1234", "b1234", "c1234"} {
				store(t, s, c, c)
			}
			s.Close()
			disk.Corrupt("0000000000000001.spool", 16+2*batch*entry+in)
			s, damage, err := spool.Open(disk, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range damage {
				if d.Torn {
					t.Errorf("byte %d of batch %d: %v are taken for torn", in, batch, d)
				}
			}
			bad := len(damage)
			for e, _ := s.Next(); e != nil; e, _ = s.Next() {
				if _, _, err := s.Read(e, nil); err != nil {
					bad++
				}
			}
			if bad != 1 {
				t.Errorf("byte %d of batch %d: %d places are damaged", in, batch, bad)
			}
			s.Close()
		}
	}
}
