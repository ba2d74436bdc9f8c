package plugin

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

// Somebody deletes the spool in an outage: no chunk is done for Fluent Bit in a file that
// nobody finds, the log says it, and a new directory has all of them, so that a power cut
// loses nothing.
func TestSpoolIsDeletedInAnOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		disk := simdisk.New()
		mount := disk.Mount(func(string, string) error { return nil })
		properties = storeProperties(properties, "logstore_key", "", "max_held_chunks", "0")
		_, h, f := network.spooling(t, properties, mount, Env{})
		setFault(t, e, sls.Fault{Name: sls.ConnectionCut})
		given := 0
		give := func(seconds int) {
			for range 10 * seconds {
				f.give("any", events(given, 10, strings.Repeat("x", 100)))
				given += 10
				time.Sleep(100 * time.Millisecond)
			}
		}
		give(10)
		disk.DeleteAll()
		give(20)
		if h.count("somebody deleted or replaced it", "chunks wait with Fluent Bit") != 1 {
			t.Error("no line says that the spool was deleted")
		}
		time.Sleep(20 * time.Second)
		if _, _, waiting := f.longest("any"); waiting > 0 {
			t.Errorf("%d chunks are held", waiting)
		}
		mount.Cut(rand.New(rand.NewPCG(1, 1)))
		e.ClearFault(sls.ConnectionCut)
		network.spooling(t, properties, disk.Mount(func(string, string) error { return nil }), Env{})
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) })
		eventually(t, "all has landed", func() bool { return e.Count("demo") >= given })
		allLanded(t, e, given)
	})
}
