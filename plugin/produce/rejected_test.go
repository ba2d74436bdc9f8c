package produce

import (
	"errors"
	"testing"
	"time"
)

// Refused batches wait as they are while owners have no room for their records, and are told
// some at a time when there is. The end of the producer releases what no owner has heard of.
func TestRejectedBatchesWait(t *testing.T) {
	refused := errors.New("refused")
	const n = 3*toldAtOnce - 100
	for name, closes := range map[string]bool{"told": false, "closed": true} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.MaxBatchBytes = 1 << 20
			inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver) {
				c.set(func() { c.leaders["logs"] = []int32{-1} })
				owner := &fakeOwner{}
				addRecords(t, p, owner, "logs", numbers(0, n)...)
				time.Sleep(time.Second)
				room := 0
				obs.rejectsWait = func() bool { room--; return room < 0 }
				p.Reject("logs", refused)
				p.TellRejected()
				owner.want(t, 0, 0, 0)
				if r := p.Retained(); r.Batches != 1 || r.Bytes < n*10 {
					t.Errorf("%d bytes in %d batches are retained, and %d records wait", r.Bytes, r.Batches, n)
				}
				room = 1
				p.TellRejected()
				owner.want(t, 0, toldAtOnce, 0)
				if closes {
					p.stop()
					p.closeRejected()
					owner.want(t, 0, toldAtOnce, n-toldAtOnce)
					room = 1 << 30
					p.TellRejected()
					owner.want(t, 0, toldAtOnce, n-toldAtOnce)
					return
				}
				room = 1 << 30
				p.TellRejected()
				owner.want(t, 0, n, 0)
				if r := p.Retained(); r.Batches != 0 {
					t.Errorf("%d batches are left", r.Batches)
				}
			})
		})
	}
}

// A batch that is refused at the end is released, if the owners have no room for its records: they would have to hold
// all of them.
func TestRejectedAtTheEnd(t *testing.T) {
	for name, roomAtEnd := range map[string]int{"no room": 0, "room": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.MaxBatchBytes = 1 << 20 // all in one
			inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, obs *fakeObserver) {
				c.set(func() { c.leaders["logs"] = []int32{-1} })
				owner := &fakeOwner{}
				const n = 3 * toldAtOnce
				addRecords(t, p, owner, "logs", numbers(0, n)...)
				time.Sleep(time.Second)
				room := 1 // for the first records: then the end comes
				obs.rejectsWait = func() bool {
					if room--; room >= 0 {
						return false
					}
					p.rejections.closed = true // the caller has its lock, or nobody has
					room = roomAtEnd
					return room == 0
				}
				p.Reject("logs", errors.New("refused"))
				told := toldAtOnce
				if roomAtEnd > 0 {
					told = n
				}
				owner.want(t, 0, told, n-told)
			})
		})
	}
}
