package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

var (
	oldLines  = flag.Int("old", 3000, "old lines of TestOldLinesHoldNothingUp")
	aheadLong = flag.Duration("ahead", 10*time.Second, "how long TestOldLinesHoldNothingUp has an application with a wrong time zone")
)

// delays are how long lines took from their own time to the logstore.
type delays struct {
	mu  sync.Mutex
	all []time.Duration
}

func (d *delays) add(l sls.Log) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, time.Since(l.Time))
}

func (d *delays) of(percent int) (delay time.Duration, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sorted := slices.Sorted(slices.Values(d.all))
	if len(sorted) == 0 {
		return 0, 0
	}
	return sorted[(len(sorted)-1)*percent/100], len(sorted)
}

// feedAt writes a line of a time.
func feedAt(t *testing.T, j *job, n int, at time.Time) {
	t.Helper()
	if _, err := fmt.Fprintf(j.input, "@%d.%03d n=%d a line of about sixty bytes, as applications write them\n", at.Unix(), at.Nanosecond()/1e6, n); err != nil {
		t.Fatal(err)
	}
}

// Lines that the service refuses for their age, many at once, and those of an
// application whose clock is eight hours ahead, cost fresh lines of the same tag no
// time, and are kept. Answers take 20 ms, as over a real line.
func TestOldLinesHoldNothingUp(t *testing.T) {
	t.Parallel()
	const each = 100 * time.Millisecond // a fresh line
	for name, feedBad := range map[string]func(t *testing.T, j *job, step int) int{
		"a backlog": func(t *testing.T, j *job, step int) int {
			if step > 0 {
				return 0
			}
			at := time.Now().Add(-10 * 24 * time.Hour)
			for i := range *oldLines {
				feedAt(t, j, 1e6+i, at.Add(time.Duration(i)*time.Millisecond))
			}
			return *oldLines
		},
		"a wrong time zone": func(t *testing.T, j *job, step int) int {
			for i := range 10 {
				feedAt(t, j, 1e6+10*step+i, time.Now().Add(8*time.Hour))
			}
			return 10
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachHost(t, func(t *testing.T, h host) {
				d := &delays{}
				e := startEndpoint(t, sls.Options{CheckTime: true, OnLog: d.add})
				e.DelayAcks(20 * time.Millisecond)
				letters := filepath.Join(t.TempDir(), "rejected.jsonl")
				j := h.startJob(t, func(file string) string {
					return tailConfig(t, file, "", "", outputSection(t, e, "    dead_letter_file "+letters))
				})
				bad, fresh := 0, 0
				tick := time.NewTicker(each)
				defer tick.Stop()
				for begin, step := time.Now(), 0; time.Since(begin) < *aheadLong; step++ {
					<-tick.C
					feedAt(t, j, fresh, time.Now())
					fresh++
					bad += feedBad(t, j, step)
				}
				limit := 30 * time.Second
				if *oldLines > 10_000 {
					limit = 5 * time.Minute
				}
				kept := 0
				for end := time.Now().Add(limit); kept < bad && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
					lines, _ := os.ReadFile(letters)
					kept = bytes.Count(lines, []byte("\n"))
				}
				if l := awaitLines(t, e, fresh, time.Minute); l.unique != fresh || l.duplicates > 0 {
					t.Errorf("%d fresh lines landed as %v", fresh, l)
				}
				p99, n := d.of(99)
				median, _ := d.of(50)
				t.Logf("FIGURES %d fresh lines: median %v, p99 %v; %d of %d others kept; %d produce requests", n, median.Round(time.Millisecond), p99.Round(time.Millisecond), kept, bad, e.ProduceRequests())
				if kept != bad {
					t.Errorf("%d of %d refused lines were kept within %v", kept, bad, limit)
				}
				if most := 200*time.Millisecond + time.Second; p99 > most {
					t.Errorf("p99 of the fresh lines %v, want Flush and a second, %v, at most", p99, most)
				}
				if code := j.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		})
	}
}
