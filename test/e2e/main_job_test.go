package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

func TestEveryLineLands(t *testing.T) {
	const n = 200_000
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", outputSection(t, e, "")) })
		feed(t, j.input, 0, n)
		wantAll(t, awaitLines(t, e, n, time.Minute), n)
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// While acknowledgements take 3 s, another output of the same process must get
// its lines as if nothing were.
func TestNothingElseWaits(t *testing.T) {
	t.Parallel()
	const (
		window = 12 * time.Second
		due    = 120 // 10 a second
	)
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		e.DelayAcks(3 * time.Second)
		other := "[INPUT]\n    Name dummy\n    Tag other\n    Rate 10\n    Dummy {\"tick\":\"other\"}\n[OUTPUT]\n    Name stdout\n    Match other\n"
		mark := `"tick"=>"other"`
		if h.bundled {
			other, mark = "[OUTPUT]\n    Name tick\n    Match *\n", "tick "
		}
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", outputSection(t, e, ""), other) })
		j.await(mark, 1, 10*time.Second)
		before, _ := j.out.count(mark)
		ends := time.After(window)
		more := time.NewTicker(100 * time.Millisecond) // load all the while
		defer more.Stop()
		fed := 0
		for done := false; !done; {
			select {
			case <-more.C:
				feed(t, j.input, fed, fed+500)
				fed += 500
			case <-ends:
				done = true
			}
		}
		after, _ := j.out.count(mark)
		t.Logf("the other output got %d lines in %v, %d were due", after-before, window, due)
		if got := after - before; got < due*95/100 {
			t.Errorf("the other output got %d lines in %v, want at least 95%% of %d", got, window, due)
		}
		e.DelayAcks(0)
		wantAll(t, awaitLines(t, e, fed, time.Minute), fed)
	})
}

// lateAcks leaves chunks in flight when a reload begins.
const lateAcks = 300 * time.Millisecond

func TestHotReload(t *testing.T) {
	t.Parallel()
	const reloads = 10
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		e.DelayAcks(lateAcks)
		db := filepath.Join(t.TempDir(), "tail.db")
		j := h.startJob(t, func(file string) string {
			return tailConfig(t, file, "    Hot_Reload on", "    DB "+db, outputSection(t, e, ""))
		})
		j.await(hasStarted, 1, 10*time.Second)
		fed := 0
		var threads, descriptors []int
		for i := range reloads {
			for range 5 {
				feed(t, j.input, fed, fed+1000)
				fed += 1000
			}
			fed = j.reloadUnderLoad(h, e, fed)
			j.awaitReload(h, i+1)
			threads = append(threads, entries(t, j, "task"))
			descriptors = append(descriptors, entries(t, j, "fd"))
		}
		l := awaitLines(t, e, fed, time.Minute)
		t.Logf("%d lines over %d reloads: %v; threads %v, descriptors %v", fed, reloads, l, threads, descriptors)
		if l.unique != fed {
			t.Errorf("of %d lines: %v", fed, l)
		}
		flat(t, "threads", threads)
		flat(t, "descriptors", descriptors)
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// forgetsLines tells whether a reload loses a line that tail has read in part: up to 4.2.8
// its DB counts that part as read, and the reload forgets it (fluent/fluent-bit#11265).
// There a reload must find tail at the end of a line.
func (h host) forgetsLines() bool {
	return !h.bundled && !strings.Contains(h.name, "v5.")
}

// reloadUnderLoad feeds more lines and sends SIGHUP while chunks are in flight, since
// acknowledgements are late. It returns how many lines were fed in all. On a host that
// forgets lines all have landed before, and nothing is fed during the reload.
func (j *job) reloadUnderLoad(h host, e *sls.Endpoint, fed int) int {
	j.t.Helper()
	const more = 1000
	if !h.forgetsLines() {
		j.signal(syscall.SIGHUP)
		feed(j.t, j.input, fed, fed+more)
		return fed + more
	}
	feed(j.t, j.input, fed, fed+more)
	if l := awaitLines(j.t, e, fed+more, time.Minute); l.unique != fed+more {
		j.t.Fatalf("before a reload, of %d lines: %v", fed+more, l)
	}
	j.signal(syscall.SIGHUP)
	return fed + more
}

// entries counts what a process has in a folder of /proc.
func entries(t *testing.T, j *job, folder string) int {
	t.Helper()
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", j.cmd.Process.Pid, folder))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// flat fails when what is counted after each reload grows with their number.
func flat(t *testing.T, what string, counts []int) {
	t.Helper()
	early, late := counts[2], counts[len(counts)-1]
	for _, c := range counts[:3] {
		early = max(early, c)
	}
	if late >= early+len(counts)-3 {
		t.Errorf("%s grow with reloads: %v", what, counts)
	}
}

func TestWrongOptionsStopTheHost(t *testing.T) {
	eachHost(t, func(t *testing.T, h host) {
		p := h.start(t, `[SERVICE]
    Flush 1
[INPUT]
    Name  dummy
[OUTPUT]
    Name              sls_kafka
    Match             *
    project           Not_A_Project
    regoin            cn-hangzhou
    required_acks     0
    linger            5
    access_key_id     some-id
    access_key_secret t0p-s3cret%s
    password          t0p-s3cret
`)
		if code := p.wait(20 * time.Second); code == 0 {
			t.Error("it started")
		}
		out := p.out.String()
		for _, want := range []string{
			`option project = "Not_A_Project": not a valid name`, `option logstore: missing`,
			`option required_acks = "0"`, `option linger = "5": the unit is missing`,
			`option endpoint/region: missing`, `unknown option regoin is ignored; did you mean region?`,
			`option password = "***": not of the form id#secret`, "more than one way of giving the AccessKey",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("the log does not say %q", want)
			}
		}
		if strings.Contains(out, "t0p-s3cret") {
			t.Error("the log shows the secret")
		}
		if t.Failed() {
			t.Log(out)
		}
	})
}

func TestBrokerAwayAtStart(t *testing.T) {
	t.Parallel()
	const n = 1000
	eachHost(t, func(t *testing.T, h host) {
		// The endpoint's address is known before it listens: it is started, left and started again.
		first := startEndpoint(t, sls.Options{})
		address := first.Addr()
		section := outputSection(t, first, "")
		first.Close()
		j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", section) })
		feed(t, j.input, 0, n)
		j.await("cannot reach "+address, 1, 20*time.Second)
		e := startEndpoint(t, sls.Options{Listen: address, CA: first.CA()})
		wantAll(t, awaitLines(t, e, n, time.Minute), n)
		j.await("delivery works again", 1, 20*time.Second)
		if code := j.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
