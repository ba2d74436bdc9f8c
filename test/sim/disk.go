package sim

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// DiskFault is something that is wrong with the disk of the spool for a while.
type DiskFault struct {
	Kind        DiskFaultKind
	Op          string // the step that it is about, as [simdisk.Disk.FailWith] names it
	From, Until time.Duration
	Delay       time.Duration // of a slow step
	Room        int           // bytes that a full disk still has
}

// DiskFaultKind is what a fault of the disk does.
type DiskFaultKind string

// The kinds of [DiskFault].
const (
	DiskFull  DiskFaultKind = "full"  // no file gets longer than by Room bytes
	DiskFails DiskFaultKind = "fails" // the step fails
	DiskSlow  DiskFaultKind = "slow"  // the step takes Delay
	DiskHangs DiskFaultKind = "hangs" // the step takes until the fault is over
)

func (d *DiskFault) print(b *strings.Builder) {
	fmt.Fprintf(b, "\ndisk kind=%s", d.Kind)
	pair(b, "op", d.Op, "")
	fmt.Fprintf(b, " from=%v until=%v", d.From, d.Until)
	pair(b, "delay", d.Delay, 0)
	pair(b, "room", d.Room, 0)
}

// meetDisk is the fault of a step of the disk.
func (w *world) meetDisk(op, _ string) error {
	for i := range w.Disk {
		f := &w.Disk[i]
		if now := w.now(); f.Op != op || now < f.From || now >= f.Until {
			continue
		}
		switch f.Kind {
		case DiskFails:
			return syscall.EIO
		case DiskSlow:
			w.diskWaits(f.Delay)
		case DiskHangs:
			w.diskWaits(f.Until - w.now())
		case DiskFull: // has no step of its own: see cutRoom
		}
	}
	return nil
}

// diskWaits waits until the disk goes on.
func (w *world) diskWaits(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.diskFreed:
	}
}

// cutRoom makes the disk full, and well again, as the scenario says.
func (w *world) cutRoom() {
	for _, f := range w.Disk {
		if f.Kind != DiskFull {
			continue
		}
		w.flushes.Go(func() {
			if w.sleep(f.From - w.now()) {
				w.disk.SetRoom(int64(f.Room))
				w.sleep(f.Until - f.From)
				w.disk.SetRoom(-1)
			}
		})
	}
}

// diskFelt is how long a fault of the disk may be felt after its end: a failure is followed
// by a wait, and a step that was slow may just have begun.
func (d *DiskFault) felt() time.Duration { return d.Delay + 5*time.Second }

// diskWell tells whether nothing was wrong with the disk between two moments.
func (s *Scenario) diskWell(from, to time.Duration) bool {
	for i := range s.Disk {
		if f := &s.Disk[i]; to >= f.From && from < f.Until+f.felt() {
			return false
		}
	}
	return true
}

// diskHangs tells whether a step of the disk may be waited for now.
func (w *world) diskHangs() bool {
	for i := range w.Disk {
		if f := &w.Disk[i]; (f.Kind == DiskHangs || f.Kind == DiskSlow) && w.now() >= f.From && w.now() < f.Until+f.felt() {
			return true
		}
	}
	return false
}

// removalFailed tells whether a file could not be removed since the output began: it is
// removed when the next one begins.
func (w *world) removalFailed() bool {
	for _, f := range w.Disk {
		if f.Kind == DiskFails && f.Op == "remove" && w.now() >= f.From && w.began < f.Until {
			return true
		}
	}
	return false
}
