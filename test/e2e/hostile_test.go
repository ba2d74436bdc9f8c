package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/hostile"
	"out_sls_kafka/test/sls"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// mostMemory is what the process may take at any time, whatever a broker says: a pod
	// with a limit of 256 MiB lives.
	mostMemory = 250 << 20
	// mostEncounters is how often the broker is met: once may be too few to see a growth.
	mostEncounters = 12
)

// A broker that means harm, in each way it has, gets neither a crash nor a hang, neither
// memory nor the secret of whoever does not trust it, and no line of the log.
func TestHostileBroker(t *testing.T) {
	t.Parallel()
	for _, mode := range hostile.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			eachHost(t, func(t *testing.T, h host) { meet(t, h, mode) })
		})
	}
}

func meet(t *testing.T, h host, mode hostile.Mode) {
	b, err := hostile.Start(hostile.Options{Mode: mode, N: mode.N})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	j := h.startJob(t, func(file string) string {
		return tailConfig(t, file, "", "", hostileSection(t, b))
	})
	feed(t, j.input, 0, 100)
	for end := time.Now().Add(time.Minute); b.Encounters() < mostEncounters && !(mode.Acks && b.Requests(kmsg.Produce) > 0); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the broker was met %d times in a minute", b.Encounters())
		}
	}
	peak, err := j.peak()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if code := j.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("SIGTERM took %v", took)
	}
	t.Logf("%d MB at most, met %d times", peak>>20, b.Encounters())
	if peak > mostMemory {
		t.Errorf("%d MB at most, allowed are %d", peak>>20, mostMemory>>20)
	}
	wantHonestLog(t, j.out.String(), mode)
	if n := len(b.Passwords()); n > 0 && strings.HasPrefix(mode.Name, "certificate") {
		t.Errorf("%d passwords were sent to a stranger", n)
	}
}

// hostileSection is an output to a hostile broker that tries again soon.
func hostileSection(t *testing.T, b *hostile.Broker) string {
	t.Helper()
	return sectionTo(t, strings.Replace(b.Addr(), "127.0.0.1", "localhost", 1), b.CAPEM(), `    retry_backoff     50ms
    retry_backoff_max 100ms
    dial_timeout      1s
    request_timeout   1s
    exit_timeout      1s
    kafka_version     latest`)
}

// wantHonestLog checks that each line is Fluent Bit's, and shows no secret.
func wantHonestLog(t *testing.T, log string, mode hostile.Mode) {
	t.Helper()
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		if hostile.Reveals(line, "demo-secret") || strings.Contains(line, "internal error") || len(line) > 4096 ||
			strings.Contains(line, "output:es") && !strings.Contains(line, "output:sls_kafka") {
			t.Errorf("a line of %d bytes: %.300q", len(line), line)
		}
		// Fluent Bit's own lines have colours only on a terminal.
		if i := strings.IndexFunc(line, func(r rune) bool { return !strconv.IsPrint(r) }); i >= 0 && strings.Contains(line, "output:sls_kafka") {
			t.Errorf("not printable: %.300q", line)
		}
	}
	if acked := strings.Contains(log, "stopped: 100 records acknowledged"); acked != mode.Acks {
		t.Errorf("acknowledged: %v, want %v", acked, mode.Acks)
	}
}

// peak is the most memory that the process has had.
func (p *process) peak() (bytes int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "\nVmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	bytes, err = strconv.ParseInt(kib, 10, 64)
	return bytes << 10, err
}

// A pipe as a file of an option is refused at the start. To open it would wait for a reader,
// and no signal ends a Fluent Bit that waits there.
func TestPipeAsDeadLetterFile(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, h host) {
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		e := startEndpoint(t, sls.Options{})
		j := h.startJob(t, func(in string) string {
			return tailConfig(t, in, "", "", outputSection(t, e, "    dead_letter_file "+pipe))
		})
		if code := j.wait(20 * time.Second); code == 0 || !strings.Contains(j.out.String(), "cannot be written: not a regular file") {
			t.Errorf("exit code %d", code)
		}
	})
}
