package plugin

import (
	"fmt"
	"testing"
	"time"

	"out_sls_kafka/plugin/spool"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

// leaveInSpool puts chunks into the spool of a disk, as an output that ended leaves them.
func leaveInSpool(t *testing.T, disk spool.Files, chunks ...[]byte) {
	t.Helper()
	s, _, err := spool.Open(disk, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, c := range chunks {
		var b spool.Batch
		b.Add(fmt.Sprintf("tag.%d", i), time.Now(), c)
		if _, err := s.Append(&b); err != nil {
			t.Fatal(err)
		}
	}
}

// A chunk of the spool at which the plugin fails is tried three times. Then it is named and
// counted, stays where it is, holds up nothing, and is delivered by the next start, here of a
// version without the fault.
func TestPanicAtAChunkOfTheSpool(t *testing.T) {
	for _, key := range []string{"", "ns"} { // it fails in the encoding, or before it
		t.Run("logstore_key "+key, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			properties = storeProperties(properties, "logstore_key", key)
			disk := simdisk.New()
			leaveInSpool(t, disk, events(0, 10, "x"), events(10, 10, "x"))
			disk.FailWith(func(op, _ string) error {
				if op == "open" {
					time.Sleep(time.Minute)
				}
				return nil
			})
			h := &memoryLogger{t: t}
			log := NewLog(h, "test")
			o, err := New(network.parse(t, properties), Env{Log: log, Spool: disk})
			if err != nil {
				t.Fatal(err)
			}
			log.OnPending(log.Drain)
			encoder := o.encoder
			o.encoder = nil
			disk.FailWith(nil)
			time.Sleep(10 * time.Minute)
			if n := h.count("internal error, please report it"); n != 2*mostPanics {
				t.Errorf("%d internal errors for two chunks", n)
			}
			for i := range 2 {
				if n := h.count(fmt.Sprintf(`at the chunk of tag "tag.%d"`, i), "tried again at the next start"); n != 1 {
					t.Errorf("%d lines name chunk %d", n, i)
				}
			}
			if s := o.snapshot(time.Now()).spool; s.chunks != 2 || s.damaged != 2 || s.delivered != 0 {
				t.Errorf("%+v", s)
			}
			o.encoder = encoder
			o.Close()
			network.spooling(t, properties, disk, Env{})
			eventually(t, "the spool is empty", func() bool { return isEmpty(disk) })
			allLanded(t, e, 20)
		}))
	}
}

// A damaged chunk is damaged, and not delivered as well.
func TestDamagedIsNotDelivered(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		disk := simdisk.New()
		leaveInSpool(t, disk, events(0, 10, "x"), events(10, 10, "x"))
		disk.Corrupt("0000000000000001.spool", 60)
		o, _, _ := network.spooling(t, storeProperties(properties, "logstore_key", ""), disk, Env{})
		eventually(t, "the spool is empty", func() bool { return isEmpty(disk) })
		time.Sleep(time.Second)
		if s := o.snapshot(time.Now()).spool; s.damaged != 1 || s.delivered != 1 || s.chunks != 0 {
			t.Errorf("%+v", s)
		}
	})
}
