package plugin

import "time"

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
