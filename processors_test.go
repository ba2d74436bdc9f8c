package main

import (
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestMain keeps the processors of the test itself as they are.
func TestMain(m *testing.M) {
	shared.timer.Stop()
	os.Exit(m.Run())
}

func wantProcessors(t *testing.T, when string, want int) {
	t.Helper()
	synctest.Wait()
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("%s: %d processors, want %d", when, got, want)
	}
}

func TestProcessorsFollowTheLoad(t *testing.T) {
	usual := runtime.GOMAXPROCS(0)
	if usual == 1 {
		t.Skip("this machine has one processor: there is nothing to change")
	}
	defer runtime.SetDefaultGOMAXPROCS()
	synctest.Test(t, func(t *testing.T) {
		p := newProcessors(false)
		defer p.timer.Stop()
		wantProcessors(t, "at the start", usual)
		time.Sleep(calm)
		wantProcessors(t, "after the first calm", 1)
		time.Sleep(10 * calm)
		wantProcessors(t, "long after", 1)
		for range 10 {
			p.busy()
			wantProcessors(t, "with much to do", usual)
			time.Sleep(calm - time.Millisecond)
			wantProcessors(t, "before it is calm", usual)
		}
		time.Sleep(time.Millisecond)
		wantProcessors(t, "calm again", 1)
	})
}

func TestProcessorsOfTheEnvironmentStay(t *testing.T) {
	usual := runtime.GOMAXPROCS(0)
	synctest.Test(t, func(t *testing.T) {
		p := newProcessors(true)
		defer p.timer.Stop()
		p.busy()
		time.Sleep(10 * calm)
		wantProcessors(t, "with GOMAXPROCS", usual)
	})
}
