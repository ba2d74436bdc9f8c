package plugin

import (
	"context"
	"runtime/debug"
	"slices"
	"time"
)

// background runs f in a goroutine that stop waits for.
func (o *Output) background(f func()) {
	o.goroutines.Go(func() {
		defer o.recoverPanic(nil)
		f()
	})
}

// recoverPanic, deferred, keeps a panic from ending Fluent Bit. c, the chunk that
// was worked on, goes back to Fluent Bit; nil: none.
func (o *Output) recoverPanic(c *Chunk) {
	r := recover()
	if r == nil {
		return
	}
	o.logPanic(r)
	if c != nil {
		c.panicked.Store(true)
		c.setResult(Retry)
	}
}

func (o *Output) logPanic(cause any) {
	o.log.Panicked(cause, debug.Stack())
}

// watch calls what is due once a second. It also notices that the process was
// signalled to stop, and stops the output exit_timeout after that if a chunk holds a
// worker: the host joins its workers before it calls Close, without a limit, and a
// worker ends only when its flushes have.
func (o *Output) watch() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-o.quit:
			return
		case now := <-tick.C:
			o.health.tick(now)
			o.producer.Tick(now)
			o.tickLogstores(now)
			o.metrics.tick(now)
			o.spooler.tick(now)
			if o.stopping == nil || !o.stopping() {
				continue
			}
			if now.Sub(o.ending.begin()) >= o.cfg.ExitTimeout && o.holdsWorker() {
				go func() {
					defer o.recoverPanic(nil)
					o.stop()
				}()
				return
			}
		}
	}
}

// holdsWorker tells whether a chunk in flight keeps a worker of the host.
func (o *Output) holdsWorker() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.live {
		if c.onWorker.Load() {
			return true
		}
	}
	return false
}

// idle tells whether no chunk is in flight.
func (o *Output) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.live)+len(o.moved) == 0
}

// oldestStart returns when the oldest live chunk was submitted.
func (o *Output) oldestStart() (start time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.live {
		if !ok || c.submitted.Before(start) {
			start, ok = c.submitted, true
		}
	}
	return start, ok
}

// requestThread wakes one waiting flush, whose thread then drains the log.
func (o *Output) requestThread() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.live {
		if c.wake() {
			return
		}
	}
}

// Close ends the output: what is in flight has exit_timeout to be delivered, from the
// beginning of the [Ending] on; then the other chunks end with Retry. It tells whether
// everything ended: if not, a goroutine hangs, and wakers may still be used.
func (o *Output) Close() bool {
	ctx, cancel := context.WithDeadline(context.Background(), o.ending.begin().Add(o.cfg.ExitTimeout))
	defer cancel()
	if o.spooler != nil {
		o.spooler.storeRest(ctx)
	} else {
		o.waitDrained(ctx)
	}
	o.stop()
	o.metrics.close()
	o.log.Infof("stopped: %d records acknowledged, %d rejected, %d sent again; %d chunks left to Fluent Bit",
		o.stats.acknowledged.Load(), o.stats.rejected.Load(), o.stats.retried.Load(), o.stats.returned.Load())
	return o.idle()
}

// waitDrained waits until no chunk is live, as long as ctx lasts.
func (o *Output) waitDrained(ctx context.Context) bool {
	o.mu.Lock()
	if len(o.live)+len(o.moved) == 0 {
		o.mu.Unlock()
		return true
	}
	if o.drained == nil {
		o.drained = make(chan struct{})
	}
	done := o.drained
	o.mu.Unlock()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// stop ends every chunk that has no result with Retry, and closes the client.
func (o *Output) stop() {
	o.stopOnce.Do(func() {
		o.mu.Lock()
		o.stopped.Store(true)
		o.stats.returned.Store(int64(len(o.live)))
		all := slices.Concat(o.live, o.moved)
		o.mu.Unlock()
		for _, c := range all {
			c.cancel()
		}
		close(o.quit)
		ctx, cancel := context.WithDeadline(context.Background(), o.ending.stopDeadline(o.cfg.ExitTimeout))
		defer cancel()
		producerStopped := o.producer.Close(ctx) == nil // which ends the other chunks
		clientClosed := o.runWithin(ctx, o.client.Close)
		// A chunk that is live may start goroutines, and a file system may hang.
		if !o.waitDrained(ctx) || !o.runWithin(ctx, o.goroutines.Wait) || !producerStopped || !clientClosed {
			o.log.Warnf("a goroutine did not end in %v", stopTimeout)
			giveBack(o.letters.unwritten()) // the disk may hang, and Fluent Bit wait for its workers without a limit
		}
		if o.deadLetterFile != nil {
			o.deadLetterFile.close()
		}
		if o.spooler != nil {
			o.spooler.close(ctx)
		}
	})
}

// runWithin runs f, and waits for its end as long as ctx lasts.
func (o *Output) runWithin(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer o.recoverPanic(nil)
		f()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
