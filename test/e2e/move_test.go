package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// From the built-in kafka output to this one and back, as docs/migrate.md says it: with the DB of tail where it was each
// line lands once.
func TestMoveFromBuiltInKafkaAndBack(t *testing.T) {
	const lines = 100
	eachHost(t, func(t *testing.T, h host) {
		if h.bundled {
			t.Skip("the bundled host has no output kafka")
		}
		if help, err := exec.Command(h.path, "--help").Output(); err != nil || !strings.Contains(string(help), "\n  kafka ") {
			t.Skipf("this Fluent Bit was built without the output kafka: %v", err)
		}
		e := startEndpoint(t, sls.Options{})
		dir := t.TempDir()
		ca, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "app.log")
		if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		common := fmt.Sprintf("[SERVICE]\n    Flush 0.2\n    Grace 2\n    storage.path %s/storage\n[INPUT]\n    Name tail\n    Path %s\n    Read_from_Head on\n"+
			"    DB %s/tail.db\n    storage.type filesystem\n[OUTPUT]\n    Match *\n", dir, file, dir)
		outputs := map[string]string{
			"kafka": fmt.Sprintf("    Name kafka\n    Brokers %s\n    Topics demo.json\n    Format json\n    rdkafka.security.protocol SASL_SSL\n    rdkafka.sasl.mechanism PLAIN\n"+
				"    rdkafka.sasl.username demo-project\n    rdkafka.sasl.password demo-id#demo-secret\n    rdkafka.ssl.ca.location %s\n", e.Addr(), ca),
			"sls_kafka": fmt.Sprintf("    Name sls_kafka\n    project demo-project\n    logstore demo\n    endpoint %s\n    tls_ca_file %s\n    password demo-id#demo-secret\n    Retry_Limit no_limits\n", e.Addr(), ca),
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for step, output := range []string{"kafka", "sls_kafka", "kafka"} {
			// Written while none runs, as by a pod during the change.
			for i := range lines {
				fmt.Fprintf(f, "n=%d hello\n", step*lines+i)
			}
			p := h.start(t, common+outputs[output])
			want := (step + 1) * lines
			if l := awaitLines(t, e, want, 30*time.Second); l.unique != want || l.duplicates != 0 {
				t.Errorf("after %s: of %d lines: %v", output, want, l)
			}
			if code := p.stop(); code != 0 {
				t.Errorf("%s: exit code %d", output, code)
			}
		}
	})
}
