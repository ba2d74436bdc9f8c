package plugin

import (
	"context"
	"runtime/debug"
	"slices"
	"time"
)

// background runs f in a goroutine that the end of the output waits for.
func (o *Output) background(f func()) {
	o.goroutines.Go(func() {
		defer o.contain(nil)
		f()
	})
}

// contain, deferred, keeps a panic from ending Fluent Bit. The chunk that was
// worked on, if any, goes back to Fluent Bit.
func (o *Output) contain(c *Chunk) {
	r := recover()
	if r == nil {
		return
	}
	o.panicked(r)
	if c != nil {
		c.finish(Retry)
	}
}

func (o *Output) panicked(cause any) {
	o.log.Errorf("internal error, please report it: %v\n%s", cause, debug.Stack())
}

// watch looks after health once a second, and after a shutdown that this
// plugin is not told of: the host joins its workers without a limit, and a
// worker ends only when its flushes have.
func (o *Output) watch() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var stopping time.Time
	for {
		select {
		case <-o.quit:
			return
		case now := <-tick.C:
			o.health.tick(now)
			o.producer.Tick(now)
			o.metrics.tick(now)
			if o.stopping == nil || !o.stopping() {
				continue
			}
			if stopping.IsZero() {
				stopping = now
			}
			if now.Sub(stopping) >= o.cfg.ExitTimeout && o.onWorkers() {
				go func() {
					defer o.contain(nil)
					o.end()
				}()
				return
			}
		}
	}
}

// onWorkers tells whether a chunk in flight keeps a worker of the host.
func (o *Output) onWorkers() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.live {
		if c.worker.Load() {
			return true
		}
	}
	return false
}

// idle tells whether no chunk is in flight.
func (o *Output) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.live) == 0
}

// oldest is when the chunk came that is in flight for longest.
func (o *Output) oldest() (start time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.live {
		if !ok || c.start.Before(start) {
			start, ok = c.start, true
		}
	}
	return start, ok
}

// nudge wakes one waiting flush, whose thread then takes the log lines.
func (o *Output) nudge() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.live {
		if c.wake() {
			return
		}
	}
}

// endTimeout bounds what should take no time: the client's goroutines ending.
const endTimeout = 2 * time.Second

// Close ends the output: what is in flight has exit_timeout to arrive, the
// rest is let go with Retry. It tells whether everything ended: if not, a
// goroutine hangs, and wakers may still be used.
func (o *Output) Close() bool {
	ctx, cancel := context.WithTimeout(context.Background(), o.cfg.ExitTimeout)
	defer cancel()
	o.drained(ctx)
	o.end()
	o.metrics.close()
	o.log.Infof("stopped: %d records acknowledged, %d rejected, %d sent again; %d chunks left to Fluent Bit",
		o.stats.acknowledged.Load(), o.stats.rejected.Load(), o.stats.resent.Load(), o.stats.handedBack.Load())
	return o.idle()
}

// drained waits until no chunk is live, as long as ctx lasts.
func (o *Output) drained(ctx context.Context) bool {
	o.mu.Lock()
	if len(o.live) == 0 {
		o.mu.Unlock()
		return true
	}
	if o.draining == nil {
		o.draining = make(chan struct{})
	}
	done := o.draining
	o.mu.Unlock()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// end lets go of every chunk and stops the client.
func (o *Output) end() {
	o.endOnce.Do(func() {
		o.mu.Lock()
		o.ended.Store(true)
		live := slices.Clone(o.live)
		o.mu.Unlock()
		o.stats.handedBack.Store(int64(len(live)))
		for _, c := range live {
			c.letGo()
		}
		close(o.quit)
		closing, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		ended := o.producer.Close(closing) == nil // which ends the other chunks
		o.client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		if !o.drained(ctx) || !o.rest(ctx) || !ended {
			o.log.Warnf("a goroutine did not end in %v", endTimeout)
		}
		if o.letters != nil {
			o.letters.close()
		}
	})
}

// rest waits for the goroutines, but not for a file system that hangs. While a
// chunk is live it may start more of them.
func (o *Output) rest(ctx context.Context) bool {
	done := make(chan struct{})
	go func() {
		o.goroutines.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
