package plugin

import (
	"testing"
	"time"
	"unsafe"

	"out_sls_kafka/plugin/config"
)

// afterStep is a time as it is read when the clock of the machine was set by d in between:
// the monotonic one went on as before.
func afterStep(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	const secondsShift = 30 // of the field wall of a time with the monotonic clock: 33 bits of seconds, 30 of nanoseconds
	wall := (*uint64)(unsafe.Pointer(&at))
	monotonic := at
	*wall += uint64(int64(d/time.Second)) << secondsShift
	if at.Sub(monotonic) != 0 || at.UnixNano()-monotonic.UnixNano() != int64(d) {
		t.Fatalf("%v is not %v with the clock set by %v", at, monotonic, d)
	}
	return at
}

// The clock of a machine may be set by hours, as at its boot: no logstore is forgotten
// early, and none is kept for that long.
func TestClockThatIsSet(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{-8 * time.Hour, 8 * time.Hour} {
		var l logstores
		l.open(&config.Config{Logstore: "demo"}, func(*logstore) {})
		began := time.Now()
		to := l.find([]byte("team-a"), began)
		unused := func(*logstore) bool { return false }
		if all := l.forget(afterStep(t, began.Add(time.Second), step), unused); len(all) > 0 {
			t.Errorf("clock set by %v: a logstore that was just used is forgotten", step)
		}
		if all := l.forget(afterStep(t, began.Add(2*unknownIdleTimeout), step), unused); len(all) != 1 || all[0] != to {
			t.Errorf("clock set by %v: %d logstores are forgotten, want the one that was not used", step, len(all))
		}
	}
}

// Nor is a disk said to hang that does not, or one that hangs not noticed.
func TestClockThatIsSetWhileTheDiskIsBusy(t *testing.T) {
	t.Parallel()
	h := &memoryLogger{t: t}
	o := &Output{cfg: &config.Config{SpoolPath: "/spool"}, log: NewLog(h, "test")}
	o.health.out = o
	for step, seconds := range map[time.Duration]time.Duration{8 * time.Hour: time.Second, -8 * time.Hour: 2 * storingTakes} {
		s := &spooler{out: o}
		began := time.Now()
		s.stores.since.Store(&began)
		before := h.count("has not answered")
		s.logHang(afterStep(t, began.Add(seconds), step))
		o.log.Drain()
		if said := h.count("has not answered") > before; said != (seconds >= storingTakes) {
			t.Errorf("clock set by %v: after %v the line came: %v", step, seconds, said)
		}
	}
}
