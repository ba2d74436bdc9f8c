package plugin

import (
	"time"

	"out_sls_kafka/plugin/spool"
)

// compactPause is the time until it is tried again to make room in the spool, if nothing
// could be moved.
const compactPause = time.Minute

// compact makes room in the spool where little is left in a file. The disk may hang in it, as in
// deliver.
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
	u.works.begin()
	defer u.works.end()
	moved, err := disk.Compact()
	if err != nil {
		u.fail(err)
	}
	if moved == 0 {
		u.sparseAt = now
	}
}
