package spool_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

// A power cut takes no directory away that the spool made, and that has entries.
func TestPowerCutAfterTheDirectoryWasMade(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		disk := simdisk.New()
		s := mustOpen(t, disk, 1<<30)
		store(t, s, "a")
		disk.Crash(rand.New(rand.NewPCG(seed, 1)))
		if got := storedNames(t, disk); got != "a" {
			t.Fatalf("seed %d: after a power cut %q is there, want a", seed, got)
		}
	}
}

// A directory that cannot be made durable is not used; the next attempt begins with it again,
// also if the process ended between making and syncing.
func TestDirectoryThatCannotBeMadeDurable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		disk := simdisk.New()
		failOn(disk, func(op, _ string) bool { return op == "syncabove" || op == "rmdir" && seed%2 == 0 })
		if _, _, err := spool.Open(disk, 1<<30); !errors.Is(err, errBurns) {
			t.Fatalf("Open: %v", err)
		}
		disk.FailWith(nil)
		store(t, mustOpen(t, disk, 1<<30), "a")
		disk.Crash(rand.New(rand.NewPCG(seed, 1)))
		if got := storedNames(t, disk); got != "a" {
			t.Fatalf("seed %d: after a power cut %q is there, want a", seed, got)
		}
	}
}

// What is above the directory may be closed to the process, if the directory exists.
func TestNothingAboveCanBeRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Log("as root, everything can be read: this shows little")
	}
	above := filepath.Join(t.TempDir(), "above")
	dir := filepath.Join(above, "spool")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(above, 0o100); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(above, 0o700) })
	store(t, mustOpen(t, spool.Directory(dir), 1<<30), "a")
}
