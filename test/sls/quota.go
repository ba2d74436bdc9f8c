package sls

import "time"

// Quota is what a shard takes in a second; zero is without limit. SLS documents 5 MB and 500 writes a second
// (Alibaba, "Data read and write").
type Quota struct {
	Bytes  int // of record batches as sent, so after compression
	Writes int // record batches
}

// usage is what of its quota a shard has used in the running second.
type usage struct {
	since         time.Time
	bytes, writes int
}

// admit reports whether a batch is within the quota, and if so counts it. A batch that exceeds the quota all alone is
// let in when it is the first of its second: it could never land else.
func (u *usage) admit(q Quota, bytes int, now time.Time) bool {
	if age := now.Sub(u.since); age < 0 || age >= time.Second {
		*u = usage{since: now}
	}
	if u.writes > 0 && (q.Bytes > 0 && u.bytes+bytes > q.Bytes || q.Writes > 0 && u.writes+1 > q.Writes) {
		return false
	}
	u.bytes += bytes
	u.writes++
	return true
}

// admit reports whether a shard's quota has room for a batch.
func (s *logstore) admit(shard int32, q Quota, bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if shard < 0 || int(shard) >= len(s.usage) {
		return true // the broker refuses it
	}
	return s.usage[shard].admit(q, bytes, time.Now())
}
