package sls

import (
	"sync"
	"time"
)

// ackDelay is how long after the broker's answer a produce request's answer goes out.
type ackDelay struct {
	mu      sync.Mutex
	d       time.Duration
	hits    int           // answers held since d changed
	changed chan struct{} // closed and replaced when d changes
}

// DelayAcks makes every answer to a produce request go out d after the broker gave it; 0 ends that and releases the
// answers being held. While one is held, the broker goes on with the connection's next requests: each answer is late by d, not
// by a multiple. Other connections are not affected; on the same connection answers keep their order, as Kafka demands.
func (e *Endpoint) DelayAcks(d time.Duration) {
	e.delay.mu.Lock()
	defer e.delay.mu.Unlock()
	e.delay.d, e.delay.hits = d, 0
	close(e.delay.changed)
	e.delay.changed = make(chan struct{})
}

// wait returns true when the delay since at has passed, false when done is closed first.
func (a *ackDelay) wait(at time.Time, done <-chan struct{}) bool {
	for {
		a.mu.Lock()
		d, changed := a.d, a.changed
		a.mu.Unlock()
		left := time.Until(at.Add(d))
		if d <= 0 || left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-done:
			timer.Stop()
			return false
		}
	}
}

// hold counts an answer that is to be held.
func (a *ackDelay) hold() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.d > 0 {
		a.hits++
	}
}

func (a *ackDelay) current() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.d
}

func (a *ackDelay) held() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hits
}
