package encoder

import (
	"fmt"
	"os"
	"sort"
	"testing"
	"time"
)

func TestRatio(t *testing.T) {
	if os.Getenv("MIN") == "" {
		t.Skip("dev")
	}
	e, _ := New(Options{})
	for _, s := range shapes(t, 2<<20) {
		var b Batch
		e.Append(&b, s.chunk, "t")
		var rs []float64
		var bb, oo []float64
		for range 9 {
			st := time.Now()
			baseline(t, s)
			base := time.Since(st)
			ours := time.Hour
			var sum time.Duration
			n := 0
			for sum < base/2+1 {
				b.Reset()
				st := time.Now()
				e.Append(&b, s.chunk, "t")
				d := time.Since(st)
				sum += d
				n++
				if d < ours {
					ours = d
				}
			}
			avg := sum / time.Duration(n)
			rs = append(rs, float64(base)/float64(avg))
			bb = append(bb, float64(base.Nanoseconds())/float64(s.count))
			oo = append(oo, float64(avg.Nanoseconds())/float64(s.count))
		}
		sort.Float64s(rs)
		sort.Float64s(bb)
		sort.Float64s(oo)
		fmt.Printf("%s ratio median %.1f min %.1f max %.1f; base %.0f ours %.0f ns (medians)\n", s.name, rs[len(rs)/2], rs[0], rs[len(rs)-1], bb[4], oo[4])
	}
}
