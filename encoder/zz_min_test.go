package encoder

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestMin(t *testing.T) {
	if os.Getenv("MIN") == "" {
		t.Skip("dev")
	}
	base := map[string]float64{"access_log": 0, "kubernetes": 0}
	_ = base
	e, _ := New(Options{})
	for _, s := range shapes(t, 512<<10) {
		var b Batch
		best := time.Hour
		stop := time.Now().Add(1500 * time.Millisecond)
		for time.Now().Before(stop) {
			b.Reset()
			st := time.Now()
			e.Append(&b, s.chunk, "t")
			if d := time.Since(st); d < best {
				best = d
			}
		}
		fmt.Printf("%s %.0f ns/record %.0f MB/s\n", s.name, float64(best.Nanoseconds())/float64(s.count), float64(len(s.chunk))/best.Seconds()/1e6)
	}
}
func TestMinBase(t *testing.T) {
	if os.Getenv("MIN") != "base" {
		t.Skip("dev")
	}
	for _, s := range shapes(t, 128<<10) {
		best := time.Hour
		stop := time.Now().Add(4 * time.Second)
		for time.Now().Before(stop) {
			st := time.Now()
			baseline(t, s)
			if d := time.Since(st); d < best {
				best = d
			}
		}
		fmt.Printf("base %s %.0f ns/record\n", s.name, float64(best.Nanoseconds())/float64(s.count))
	}
}
