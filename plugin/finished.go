package plugin

import "out_sls_kafka/plugin/spool"

// finished is an entry that nothing is done with any more.
type finished struct {
	entry    *spool.Entry
	result   Result   // Retry: it is to be delivered another time
	of       *spooled // nil: no chunk stands for it
	panicked bool     // without a chunk: the plugin failed at it
	tag      string   // in that case
	damaged  bool     // without a chunk: it cannot be read
}

func (f *finished) isPanicked() bool { return f.panicked || f.of != nil && f.of.chunk.panicked.Load() }

func (f *finished) tagOf() string {
	if f.of != nil {
		return f.of.chunk.tag
	}
	return f.tag
}

func (f *finished) isDamaged() bool { return f.damaged || f.of != nil && f.of.damaged }

// panics are how many times the plugin failed at an entry, by the place where that stands.
type panics map[spool.Damage]int

// mostPanics is how many times an entry may be tried that the plugin fails at. Fluent Bit
// gives a chunk of its own again as Retry_Limit says, and drops it then.
const mostPanics = 3

// setAside tells whether an entry that the plugin failed at is not tried again. It stays in
// use, so nobody is given it, and where it is: the next start, maybe of a version without the
// fault, tries again. A file of rejected records would not do: its records are not known, and
// nothing reads it.
func (u *unspooler) setAside(f *finished) bool {
	place := f.entry.Damage()
	if u.panics[place]++; u.panics[place] < mostPanics {
		return false
	}
	delete(u.panics, place)
	u.spooler.damaged.Add(1)
	u.spooler.out.log.Errorf("spool: the plugin failed %d times at the chunk of tag %q, %v: it is kept there, and tried again at the next start", mostPanics, f.tagOf(), place)
	return true
}

// recoverBegun, deferred, ends an entry that the plugin fails at before there is a chunk of it.
func (u *unspooler) recoverBegun(tag string, e *spool.Entry) {
	if cause := recover(); cause != nil {
		u.spooler.out.logPanic(cause)
		u.finish(finished{entry: e, result: Retry, panicked: true, tag: tag})
	}
}
