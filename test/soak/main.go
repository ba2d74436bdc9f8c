// Command soak loads an output for minutes while faults of every kind come and
// go at the local endpoint, and the output itself is reloaded. It fails if a
// record is lost, if chunks do not end once the faults have, or if goroutines
// of the plugin are left.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"out_sls_kafka/test/sls"
)

func main() {
	minutes := flag.Float64("minutes", 1, "how long faults come and go")
	rate := flag.Int("rate", 5000, "records a second")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random faults")
	verbose := flag.Bool("v", false, "print the plugin's log")
	profile := flag.String("profile", sls.Lenient, "one of the services that SLS may be: "+strings.Join(sls.Profiles(), ", "))
	flag.Parse()
	fmt.Printf("soak: %v minutes, %d records a second, seed %d, profile %s\n", *minutes, *rate, *seed, *profile)
	r, err := soak(time.Duration(*minutes*float64(time.Minute)), *rate, rand.New(rand.NewPCG(*seed, 0)), *profile, *verbose)
	if err == nil {
		fmt.Print(r)
		err = r.verdict()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak runs the load under random faults for so long, and then until all of it
// has landed.
func soak(duration time.Duration, rate int, random *rand.Rand, profile string, verbose bool) (*report, error) {
	l, err := newLanding(profile)
	if err != nil {
		return nil, err
	}
	defer l.close()
	before := goroutines()
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	g, err := newEngine(l, dir, rate, verbose)
	if err != nil {
		return nil, err
	}
	quit := make(chan struct{})
	faulty := make(chan int, 1)
	go func() { faulty <- l.misbehave(random, g.reload, quit) }()
	r := &report{}
	g.run(duration, r)
	close(quit)
	r.faults = <-faulty
	g.finish(r)
	l.count(g.sent, r)
	r.goroutines = goroutines() - before
	return r, nil
}

// report is what is printed at the end.
type report struct {
	sent, landed, duplicates int
	faults, reloads          int
	unfinished               int // chunks without a result
	stall, afterFault        time.Duration
	heap, held               int64 // bytes at most
	goroutines               int   // of the plugin, left
}

func (r *report) String() string {
	return fmt.Sprintf(`records sent         %d
records lost         %d
duplicates           %d
faults, reloads      %d, %d
longest stall        %v (nothing landed while chunks waited), %v of it after the fault was over
peak memory          %.1f MB of heap, with the endpoint, and %.1f MB of chunks as Fluent Bit holds them in it
goroutines left      %d
`, r.sent, r.sent-r.landed, r.duplicates, r.faults, r.reloads, r.stall.Round(time.Millisecond), r.afterFault.Round(time.Millisecond),
		float64(r.heap)/(1<<20), float64(r.held)/(1<<20), r.goroutines)
}

func (r *report) verdict() error {
	switch {
	case r.landed != r.sent:
		return fmt.Errorf("%d of %d records are lost", r.sent-r.landed, r.sent)
	case r.unfinished > 0:
		return fmt.Errorf("%d chunks have no result, minutes after the last fault", r.unfinished)
	case r.goroutines > 0:
		return fmt.Errorf("%d goroutines of the plugin are left", r.goroutines)
	}
	return nil
}
