package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Records that landed and were not acknowledged when Fluent Bit was killed land again
// at its next start, from an input that keeps no state of its own. Ids tell them
// from new ones: there are as many as records, and each belongs to one.
func TestRecordIDs(t *testing.T) {
	t.Parallel()
	const rounds, each = 3, 500
	eachFluentBit(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		port := freePort(t)
		config := fmt.Sprintf(`[SERVICE]
    Flush        0.2
    Grace        2
    storage.path %s
[INPUT]
    Name         tcp
    Listen       127.0.0.1
    Port         %d
    Format       json
    Tag          test
    storage.type filesystem
%s`, filepath.Join(t.TempDir(), "storage"), port, outputSection(t, e, "    record_id_key id\n    exit_timeout 1s"))
		p := h.start(t, config)
		for round := range rounds {
			p.await(hasStarted, 1, 20*time.Second)
			e.DelayAcks(time.Hour)
			landed := e.Count("demo")
			conn := dialInput(t, port)
			for i := range each {
				fmt.Fprintf(conn, "{\"n\":%d}\n", round*each+i)
			}
			conn.Close()
			waitCount(t, e, landed+each)
			p.cmd.Process.Kill()
			p.wait(10 * time.Second)
			e.DelayAcks(0)
			p = h.start(t, config)
			waitCount(t, e, landed+2*each)
		}
		p.await(hasStarted, 1, 20*time.Second) // the records may have landed twice before: a signal would find no handler
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		ids, numbers := map[string]int{}, map[int]string{}
		logs := e.Logs("demo")
		for _, l := range logs {
			var record struct {
				ID string
				N  int
			}
			if err := json.Unmarshal(l.Value, &record); err != nil || record.ID == "" {
				t.Fatalf("%v in %s", err, l.Value)
			}
			if n, again := ids[record.ID]; again && n != record.N {
				t.Fatalf("id %s is that of %d and of %d", record.ID, n, record.N)
			}
			if id, again := numbers[record.N]; again && id != record.ID {
				t.Fatalf("record %d has the ids %s and %s", record.N, id, record.ID)
			}
			ids[record.ID], numbers[record.N] = record.N, record.ID
		}
		t.Logf("%d kills: %d records landed, %d distinct, %d ids", rounds, len(logs), len(numbers), len(ids))
		if len(numbers) != rounds*each || len(ids) != len(numbers) || len(logs) < 2*len(ids) {
			t.Errorf("%d records landed, %d distinct, %d ids; want twice %d", len(logs), len(numbers), len(ids), rounds*each)
		}
	})
}

// dialInput connects to an input of Fluent Bit, which listens soon after its start.
func dialInput(t *testing.T, port int) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
