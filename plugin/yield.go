package plugin

import (
	"slices"
	"time"

	"out_sls_kafka/plugin/spool"
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

// pass is a walk through the whole spool. After one in which nothing was delivered the next
// begins later and later, up to mostBetweenPasses: all was seen, and what comes stands at the
// end.
type pass struct {
	began     time.Time
	wait      time.Duration // after that
	delivered int64         // chunks when it began
}

const mostBetweenPasses = time.Minute

// isDue tells whether a pass begins. delivered counts the chunks that were.
func (p *pass) isDue(now time.Time, delivered int64) bool {
	if delivered != p.delivered {
		p.wait = 0
	}
	if now.Sub(p.began) < p.wait {
		return false
	}
	p.began, p.delivered, p.wait = now, delivered, min(max(time.Second, 2*p.wait), mostBetweenPasses)
	return true
}

// yield lets go of what waits for room, or has it and is not begun, while the disk hangs:
// fresh chunks stand behind it.
func (u *unspooler) yield(now time.Time) {
	if since := u.busySince.Load(); since != 0 && now.Sub(time.Unix(0, since)) >= patience {
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

// compactPause is the time until it is tried again to make room in the spool, if nothing
// could be moved.
const compactPause = time.Minute

// compact makes room in the spool where little is left in a file.
func (u *unspooler) compact(disk *spool.Spool, now time.Time) {
	if now.Sub(u.sparseAt) < compactPause || !disk.Sparse() {
		return
	}
	select {
	case u.spooler.storing <- struct{}{}:
		defer func() { <-u.spooler.storing }()
	default:
		return // something is being stored
	}
	moved, err := disk.Compact()
	if err != nil {
		u.fail(err)
	}
	if moved == 0 {
		u.sparseAt = now
	}
}
