package plugin

import (
	"errors"
	"time"

	"out_sls_kafka/plugin/spool"
)

// logFailure logs, once a minute, that chunks cannot be stored.
func (s *spooler) logFailure(err error) {
	h := &s.out.health
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !s.failed.due():
	case errors.Is(err, spool.ErrFull):
		h.out.log.Errorf("the spool is full (spool_limit %d): more chunks wait with Fluent Bit, and may hold up its other pipelines", h.out.cfg.SpoolLimit)
	default:
		h.out.log.Errorf("spool_path %q: %v; chunks wait with Fluent Bit, and may hold up its other pipelines", h.out.cfg.SpoolPath, err)
	}
}

// storingTakes is how long the disk may take to store chunks before the log says so.
const storingTakes = 10 * time.Second

// logHang logs, once a minute, that the disk hangs: no step of it fails that would be logged.
func (s *spooler) logHang(now time.Time) {
	took := s.stores.took(now)
	if took < storingTakes {
		return
	}
	h := &s.out.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.failed.due() {
		h.out.log.Errorf("spool_path %q: the disk has not answered for %v; chunks wait with Fluent Bit, and may hold up its other pipelines", h.out.cfg.SpoolPath, took.Round(time.Second))
	}
}

func (s *spooler) logDamage(d spool.Damage) {
	if d.Torn {
		s.out.log.Warnf("spool: %d bytes of %s were being written when the process or the machine ended; they are not used, and Fluent Bit had not been told that they are kept", d.Bytes, d.File)
		return
	}
	s.damaged.Add(1)
	if d.Err != nil {
		s.out.log.Errorf("spool: cannot read %v; the rest is delivered, the file is kept, and looked at again at the next start", d)
		return
	}
	s.out.log.Errorf("spool: %v are damaged, and cannot be delivered; the rest is", d)
}

// spoolSnapshot is how a spool stands at one moment.
type spoolSnapshot struct {
	bytes, limit                int64
	chunks                      int
	oldest                      time.Duration // since it was given
	written, delivered, damaged int64         // since the start
}

// snapshot returns it; all 0 without a spool, for which s is nil.
func (s *spooler) snapshot(now time.Time) (n spoolSnapshot) {
	if s == nil {
		return n
	}
	n.limit = s.out.cfg.SpoolLimit
	n.written, n.delivered, n.damaged = s.written.Load(), s.unspool.delivered.Load(), s.damaged.Load()
	if disk := s.disk.Load(); disk != nil {
		st := disk.Stats()
		n.bytes, n.chunks = st.Bytes, st.Chunks
		if st.Chunks > 0 {
			n.oldest = max(0, now.Sub(st.Oldest))
		}
	}
	return n
}

// logState logs how much is in the spool, once a minute, and that it is empty.
func (u *unspooler) logState(now time.Time, st spool.Stats) {
	s := u.spooler
	switch {
	case st.Chunks == 0 && s.began.Swap(false):
		s.out.log.Infof("the spool is empty: what was in it is delivered")
		u.loggedAt = time.Time{}
	case st.Chunks == 0:
	case u.loggedAt.IsZero():
		u.loggedAt = now // the first line was logged when it began
	case now.Sub(u.loggedAt) >= logInterval:
		u.loggedAt = now
		s.out.log.Infof("spool: %d chunks, %d of %d bytes, the oldest from %v ago", st.Chunks, st.Bytes, s.out.cfg.SpoolLimit, now.Sub(st.Oldest).Round(time.Second))
	}
}
