package sim

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"out_sls_kafka/test/simkafka"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	seeds  = flag.Int("seeds", 0, "how many random scenarios; 0: a hundred, twenty with the race detector")
	first  = flag.Uint64("first", 1, "the seed of the first")
	family = flag.String("family", "", "the kind of scenario; empty: all")
	file   = flag.String("scenario", "", "a stored scenario to run alone, with its log")
	shrink = flag.Bool("shrink", false, "make the first scenario that fails smaller, and print it")
)

// TestScenarios runs every stored scenario: each showed a fault that is fixed.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stored scenarios: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			for _, v := range Run(t, read(t, f)).Violations {
				t.Error(v)
			}
		})
	}
}

// TestSeeds runs random scenarios.
func TestSeeds(t *testing.T) {
	n := *seeds
	if n == 0 {
		n = defaultSeeds
	}
	found := &summary{kinds: make(map[string]*finding)}
	t.Run("run", func(t *testing.T) {
		for i := range n {
			seed := *first + uint64(i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				begin := time.Now()
				s := FromSeed(seed, *family)
				found.add(s, Run(t, s), time.Since(begin))
			})
		}
	})
	t.Log(found.String(n))
	if found.failing == nil {
		return
	}
	t.Errorf("%d of %d scenarios fail; run one with: go test ./test/sim -run TestSeeds -first SEED -seeds 1 -v; -shrink makes it smaller", found.bad, n)
	if n == 1 {
		t.Logf("%v\n%s", found.failing, strings.Join(found.report.Log, "\n"))
	}
	if *shrink {
		t.Logf("smaller:\n%v", shrunk(t, found.failing, found.report.Violations[0].Kind))
	}
}

// TestOne runs the scenario that the flag names.
func TestOne(t *testing.T) {
	if *file == "" {
		t.Skip("no -scenario given")
	}
	r := Run(t, read(t, *file))
	t.Logf("%d chunks, %d records acknowledged, %d rejected; the slowest chunk took %v; %+v\n%s", r.Chunks, r.Records, r.Rejected, r.Slowest, r.Rates, strings.Join(r.Log, "\n"))
	for _, v := range r.Violations {
		t.Error(v)
	}
}

func read(t *testing.T, path string) *Scenario {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return s
}

// shrunk makes a scenario smaller as long as it fails in the same way, which chance may need two runs for.
func shrunk(t *testing.T, s *Scenario, kind string) *Scenario {
	return Shrink(s, func(s *Scenario) bool {
		for range 2 {
			if slices.ContainsFunc(Run(t, s).Violations, func(v Violation) bool { return v.Kind == kind }) {
				return true
			}
		}
		return false
	})
}

// summary is what random scenarios found.
type summary struct {
	mu        sync.Mutex
	kinds     map[string]*finding
	bad       int
	chunks    int
	simulated time.Duration
	slowest   time.Duration
	slow      uint64
	failing   *Scenario
	report    *Report
}

type finding struct {
	count int
	seed  uint64
	first Violation
}

func (s *summary) add(sc *Scenario, r *Report, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks += r.Chunks
	s.simulated += sc.Duration
	if took > s.slowest {
		s.slowest, s.slow = took, sc.Seed
	}
	if len(r.Violations) == 0 {
		return
	}
	s.bad++
	if s.failing == nil {
		s.failing, s.report = sc, r
	}
	for _, v := range r.Violations {
		kind := v.Kind + " (" + sc.Family + ")"
		if s.kinds[kind] == nil {
			s.kinds[kind] = &finding{seed: sc.Seed, first: v}
		}
		f := s.kinds[kind]
		if f.count++; sc.Seed < f.seed {
			f.seed, f.first = sc.Seed, v
		}
	}
}

// String says how many of n scenarios failed, and shows the first of each kind.
func (s *summary) String(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d scenarios, %d fail; %d chunks, %v simulated; the slowest took %v (seed %d)\n", n, s.bad, s.chunks, s.simulated.Round(time.Minute), s.slowest.Round(time.Millisecond), s.slow)
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		f := s.kinds[kind]
		fmt.Fprintf(&b, "%4d times %s, first with seed %d: %v\n", f.count, kind, f.seed, f.first)
	}
	return b.String()
}

// The text of a scenario gives the scenario.
func TestText(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(500) {
		s := FromSeed(seed, "")
		seen[s.Family] = true
		again, err := Parse("# a comment\n" + s.String())
		if err != nil {
			t.Fatalf("seed %d: %v\n%v", seed, err, s)
		}
		if again.String() != s.String() {
			t.Fatalf("seed %d:\n%v\nbecomes\n%v", seed, s, again)
		}
	}
	for _, f := range Families() {
		if !seen[f] {
			t.Errorf("no seed makes a scenario of family %s", f)
		}
	}
	const expects = "expect settled-within=1m0s fresh-within=1s closed-within=6s rejected=3 failed-at-most=4 true-recovery=true troubles=true every-shard-within=2m0s\n"
	if s, err := Parse("scenario nodes=1 duration=1s\nlogstore name=demo shards=1\n" + expects); err != nil || !strings.Contains(s.String(), expects) {
		t.Errorf("%v:\n%v", err, s)
	}
	for _, wrong := range []string{"", "expect nothing=1", "scenario nodes=x", "scenario nodes=1 duration=5 seconds", "input load=", "nonsense", "logstore nme=a", "option", "fault x=y", "event at"} {
		if s, err := Parse(wrong); err == nil {
			t.Errorf("%q is read as\n%v", wrong, s)
		}
	}
}

// Shrinking keeps what makes the scenario fail, and little else.
func TestShrink(t *testing.T) {
	t.Parallel()
	s := FromSeed(7, "mixed")
	r := rand.New(rand.NewPCG(1, 1))
	s.addFault(r)
	s.addFault(r)
	want := s.Faults[1].String()
	small := Shrink(s, func(s *Scenario) bool {
		return slices.ContainsFunc(s.Faults, func(f *simkafka.Fault) bool { return f.String() == want })
	})
	if len(small.Faults) != 1 || len(small.Events)+len(small.Options)+len(small.Inputs) > 0 || len(small.Logstores) != 1 {
		t.Errorf("left:\n%v", small)
	}
}
