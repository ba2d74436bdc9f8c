package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// A soak of seconds at each of the services that SLS may be, for the soak itself.
func TestSoak(t *testing.T) {
	for _, profile := range sls.Profiles() {
		t.Run(profile, func(t *testing.T) { testSoak(t, profile) })
	}
}

func testSoak(t *testing.T, profile string) {
	r, err := soak(5*time.Second, 2000, rand.New(rand.NewPCG(1, 0)), profile, false)
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
