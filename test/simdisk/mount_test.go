package simdisk_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
)

// What hangs in a disk when its process ends changes nothing afterwards, and the next
// process has the directory.
func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*simdisk.Mount){
		"end": (*simdisk.Mount).End,
		"cut": func(m *simdisk.Mount) { m.Cut(rand.New(rand.NewPCG(1, 1))) },
	}
	for name, end := range ends {
		for _, op := range []string{"create", "write", "sync", "remove", "syncdir", "truncate", "lock"} {
			t.Run(name+" "+op, func(t *testing.T) {
				t.Parallel()
				disk := simdisk.New()
				hangs, ended := "", make(chan struct{})
				reached := make(chan struct{})
				m := disk.Mount(func(o, _ string) error {
					if o == hangs {
						close(reached)
						<-ended
					}
					return nil
				})
				lock, err := m.Lock() // makes the directory
				if err != nil {
					t.Fatal(err)
				}
				if op == "lock" {
					lock.Unlock()
				}
				f, err := m.Create("a")
				if err != nil {
					t.Fatal(err)
				}
				write(t, f, "before")
				if err := m.Sync(); err != nil {
					t.Fatal(err)
				}
				hangs = op
				result := make(chan error)
				go func() { result <- step(m, f, op) }()
				<-reached
				end(m)
				names, content := disk.Names(), string(disk.Content("a"))
				written, syncs := disk.Written()
				close(ended)
				if err := <-result; err == nil {
					t.Error("the step succeeds after the end of its process")
				}
				if w, s := disk.Written(); w != written || s != syncs || !slices.Equal(disk.Names(), names) || string(disk.Content("a")) != content {
					t.Errorf("it changed something: %q with %q became %q with %q", names, content, disk.Names(), disk.Content("a"))
				}
				if _, err := disk.Mount(func(string, string) error { return nil }).Lock(); err != nil {
					t.Errorf("the next process: %v", err)
				}
			})
		}
	}
}

func write(t *testing.T, f spool.File, text string) {
	t.Helper()
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

func step(m *simdisk.Mount, f spool.File, op string) (err error) {
	switch op {
	case "create":
		_, err = m.Create("b")
	case "write":
		_, err = f.WriteAt([]byte("behind"), 0)
	case "sync":
		err = f.Sync()
	case "remove":
		err = m.Remove("a")
	case "syncdir":
		err = m.Sync()
	case "truncate":
		err = f.Truncate(1)
	case "lock":
		_, err = m.Lock()
	}
	return err
}

// What is durable is what a power cut leaves at least.
func TestDurable(t *testing.T) {
	t.Parallel()
	disk := simdisk.New()
	if _, err := disk.Create("a"); err == nil {
		t.Error("a file was made in a directory that does not exist")
	}
	if _, err := disk.Lock(); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	durable := func() (all string) {
		disk.Each(func(c simdisk.Content) {
			if c.Durable != nil {
				all += c.Name + "=" + string(c.Durable) + " "
			} else if c.Removed {
				all += c.Name + " may come back"
			}
		})
		return all
	}
	write(t, f, "synced, but not its name")
	if got := durable(); got != "" {
		t.Errorf("durable: %q", got)
	}
	if err := disk.Sync(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("SYNCED"), 0); err != nil {
		t.Fatal(err)
	}
	if got := durable(); got != "a=synced, but not its name " {
		t.Errorf("durable: %q", got)
	}
	write(t, f, "Synced")
	if err := f.Truncate(6); err != nil {
		t.Fatal(err)
	}
	if got := durable(); got != "a=Synced, but not its name " {
		t.Errorf("durable before a sync: %q", got)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if got := durable(); got != "a=Synced " {
		t.Errorf("durable after it: %q", got)
	}
	if err := disk.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if got := durable(); got != "a may come back" {
		t.Errorf("durable for certain after a removal: %q", got)
	}
}
