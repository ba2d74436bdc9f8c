package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A soak of seconds, for the soak itself.
func TestSoak(t *testing.T) {
	r, err := soak(5*time.Second, 2000, rand.New(rand.NewPCG(1, 0)), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%v", r)
	if err := r.verdict(); err != nil {
		t.Error(err)
	}
	if r.sent == 0 || r.faults == 0 {
		t.Errorf("%d records sent, %d faults", r.sent, r.faults)
	}
}
