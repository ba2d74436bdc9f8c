package sim

import (
	"strings"
	"time"
)

// Expect is what must hold in this scenario in addition to what must hold in each;
// zero: nothing. The checks have a file each.
type Expect struct {
	SettledWithin time.Duration // of its offer, every chunk
	FreshWithin   time.Duration // 99 of 100 chunks of inputs whose records nothing is wrong with
	ClosedWithin  time.Duration // after the call of Close; 0: exit_timeout and what goroutines may take
	Rejected      int           // records, each of them kept
	FailedAtMost  int           // batches that get an error
	TrueRecovery  bool          // no chunk waits when the log says that delivery works again
	Troubles      bool          // the number of logstores in trouble is as the cluster has it
	EveryShard    time.Duration // each shard took records as late as that before the end
}

func (e Expect) print(b *strings.Builder) {
	if e == (Expect{}) {
		return
	}
	b.WriteString("\nexpect")
	pair(b, "settled-within", e.SettledWithin, 0)
	pair(b, "fresh-within", e.FreshWithin, 0)
	pair(b, "closed-within", e.ClosedWithin, 0)
	pair(b, "rejected", e.Rejected, 0)
	pair(b, "failed-at-most", e.FailedAtMost, 0)
	pair(b, "true-recovery", e.TrueRecovery, false)
	pair(b, "troubles", e.Troubles, false)
	pair(b, "every-shard-within", e.EveryShard, 0)
}
