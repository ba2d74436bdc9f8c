package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"out_sls_kafka/test/run"
)

// many is a configuration of n inputs and n outputs, each output fed by one input, with a key that nobody knows.
func many(n int) string {
	var b strings.Builder
	b.WriteString("[SERVICE]\n    Flush 1\n")
	for i := range n {
		fmt.Fprintf(&b, "[INPUT]\n    Name dummy\n    Tag t%d.x\n", i)
	}
	for i := range n {
		fmt.Fprintf(&b, "[OUTPUT]\n    Name sls_kafka\n    Match t%d.*\n    project my-project\n    logstore web\n    region cn-hangzhou\n    Retry_Limit no_limits\n    unknwon_key x\n    spool_path /var/lib/fluent-bit/spool%d\n", i, i)
	}
	return b.String()
}

// What it costs grows with the configuration, not with its square: it took 132 s for 3,000 inputs and outputs. Memory
// shows that without a clock.
func TestManySections(t *testing.T) {
	const n = 500
	took := func(n int) uint64 {
		file := writeFile(t, "fluent-bit.conf", many(n))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		report, _ := diagnose(t, "-c", file)
		runtime.ReadMemStats(&after)
		if want := fmt.Sprintf("%d outputs of sls_kafka: 0 errors, %d warnings, 1 note", n, 2*n); !strings.Contains(report, want) {
			t.Fatalf("no %q at the end of\n%s", want, report[max(0, len(report)-500):])
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	took(2) // what is allocated once
	few := took(n)
	if lot := took(4 * n); lot > 6*few {
		t.Errorf("%d bytes allocated for %d inputs and outputs, %d for four times as many", few, n, lot)
	}
}

// Outputs of one logstore and one alias are named once each.
func TestManyOutputsOfOneLogstore(t *testing.T) {
	const n = 200
	one := strings.Replace(ours, "    Match *\n", "    Match *\n    Alias same\n", 1)
	report, _ := diagnose(t, "-c", writeFile(t, "fluent-bit.conf", strings.Repeat(one, n)))
	if same, alias := strings.Count(report, "same logstore as another"), strings.Count(report, "alias same is taken"); same != n-1 || alias != n-1 {
		t.Errorf("%d outputs to the same logstore, %d with the same alias, want %d of both", same, alias, n-1)
	}
}

// Ctrl-C and a service manager end it at any time: here while it writes a report that nobody reads.
func TestSignalWhileWriting(t *testing.T) {
	var builds run.Builds
	t.Cleanup(func() { builds.Close() })
	path, err := builds.Go("out_sls_kafka/cmd/sls-check")
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, "fluent-bit.conf", many(1000))
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command(path, "-c", file)
		report, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := report.Read(make([]byte, 1)); err != nil { // it has begun
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		state, err := cmd.Process.Wait()
		if err != nil || state.Sys().(syscall.WaitStatus).Signal() != s {
			t.Errorf("%v: it ended with %v, %v", s, state, err)
		}
		_ = report.Close()
	}
}
