package plugin

import (
	"slices"
	"time"
)

// passOver lets go of chunks in the window whose logstore fails, if others may be well:
// what stands behind them may go there. They are read again later. While nothing is
// acknowledged, maybe since nothing fresh comes, this is done each mostPatience.
func (u *unspooler) passOver(now time.Time) {
	o := u.spooler.out
	if o.logstores.single || now.Sub(o.health.lastAcked()) > mostPatience && now.Sub(u.passedAt) < mostPatience {
		return
	}
	u.passedAt = now
	u.cancelAll(func(c *Chunk) bool { return c.isUnread() && o.admission.waitsInVain(c) })
}

// yield lets go of what waits for room, or has it and is not begun, while the disk hangs:
// fresh chunks stand behind it.
func (u *unspooler) yield(now time.Time) {
	if u.works.took(now) >= patience {
		u.cancelAll((*Chunk).isUnread)
	}
}

// end begins no further chunk, and lets go of those that wait.
func (u *unspooler) end() {
	u.mu.Lock()
	u.ended = true
	u.mu.Unlock()
	u.cancelAll(func(*Chunk) bool { return true })
}

// cancelAll ends the chunks of the spool that wait and that which says so of. They are
// read again.
func (u *unspooler) cancelAll(which func(*Chunk) bool) {
	o := u.spooler.out
	o.mu.Lock()
	moved := slices.Clone(o.moved)
	o.mu.Unlock()
	for _, c := range moved {
		if which(c) {
			c.cancel()
		}
	}
}
