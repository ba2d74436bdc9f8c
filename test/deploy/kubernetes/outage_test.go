package kubernetes

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"out_sls_kafka/test/run"
)

// While SLS is away the pod keeps to its memory limit and stays ready; told to end it goes before the kubelet kills it,
// and the next one on the node delivers what waited.
func TestOutageAndRestart(t *testing.T) {
	needCluster(t, "an outage")
	o := kustomize(t, "example")
	c := newCluster(t, o, "my-logstore")
	k := c.admit(t, o)
	k.limited = true
	const lines, width = 30000, 4000 // 120 MB, more than may be in memory
	cart := c.runPod(t, "shop", "cart-0", metav1.ObjectMeta{Labels: map[string]string{"app": "cart"}})
	cart.write(t, 10, width)
	first := k.start(t)
	before := c.await(t, "my-logstore", 10)
	c.Close()
	// Fluent Bit pauses while it reads these. Between the parts of a line that could be longer than its parser waits.
	cart.whole = true
	cart.write(t, lines, width)
	cart.whole = false
	k.awaitSeries(t, `fluentbit_input_records_total\{name="tail.0"\} (\d+)`, 10+lines)
	if status := k.probe(t, k.pod.Spec.Containers[0].ReadinessProbe); status != http.StatusOK {
		t.Errorf("readiness during the outage: %d", status)
	}
	logPeak(t, "first", first)

	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*k.pod.Spec.TerminationGracePeriodSeconds)*time.Second)
	defer cancel()
	state, err := first.Process.Stop(ctx)
	if err != nil {
		t.Fatalf("the kubelet would have killed it: %v", err)
	}
	if code := state.ExitCode(); code != 0 {
		t.Errorf("first pod: exit code %d", code)
	}
	if n := k.spooled(t); n < lines*width/2 {
		t.Errorf("%d bytes are in the spool on the node, want most of %d", n, lines*width)
	}

	cart.write(t, 10, width)
	c.serveSLS(t, "my-logstore")
	second := k.start(t)
	wantPodRecords(t, append(c.await(t, "my-logstore", lines+10), before...), cart)
	logPeak(t, "second", second)
	if code := second.Stop(); code != 0 {
		t.Errorf("second pod: exit code %d", code)
	}
	if n := k.spooled(t); n > 0 {
		t.Errorf("%d bytes are left in the spool", n)
	}
}

// spooled is how many bytes the spool has on the node.
func (k *kubelet) spooled(t testing.TB) (n int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(k.node.folder(t, "/var/lib/fluent-bit-sls"), "spool", "*.spool"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// logPeak writes down what docs/kubernetes.md says of memory.
func logPeak(t testing.TB, pod string, p *run.TestProcess) {
	t.Helper()
	peak, err := p.PeakResident()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("peak resident memory of the %s pod: %d MiB", pod, peak>>20)
}

// awaitSeries waits until what Prometheus gets has a line that the pattern matches, and a value in it, if any, is at least
// n.
func (k *kubelet) awaitSeries(t testing.TB, pattern string, n int) {
	t.Helper()
	line, limit := regexp.MustCompile("(?m)^"+pattern), time.Now().Add(time.Minute)
	for {
		status, text := k.metrics(t)
		found := line.FindStringSubmatch(text)
		if found != nil {
			value := n
			if len(found) > 1 {
				value, _ = strconv.Atoi(found[1])
			}
			if value >= n {
				return
			}
		}
		if time.Now().After(limit) {
			t.Fatalf("in a minute no metric %s of %d: %q; the last answer had status %d", pattern, n, found, status)
		}
		time.Sleep(100 * time.Millisecond) // a metric does not say when it changes
	}
}
