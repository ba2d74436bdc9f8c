package e2e

import (
	"bufio"
	"fmt"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// TestEveryLineLandsAtEachService is the main job at each of the services that SLS may
// be. Its lines are of now, for some of them refuse others.
func TestEveryLineLandsAtEachService(t *testing.T) {
	const n = 50_000
	for _, profile := range sls.Profiles() {
		t.Run(profile, func(t *testing.T) {
			eachHost(t, func(t *testing.T, h host) {
				var service sls.Options
				if err := service.SetProfile(profile); err != nil {
					t.Fatal(err)
				}
				service.Faults = []sls.Fault{{Name: "KAFKA_STORAGE_ERROR", Count: 3}}
				e := startEndpoint(t, service)
				j := h.startJob(t, func(file string) string { return tailConfig(t, file, "", "", outputSection(t, e, "")) })
				b := bufio.NewWriter(j.input)
				for i := range n {
					at := time.Now()
					fmt.Fprintf(b, "@%d.%03d n=%d GET /index.html\n", at.Unix(), at.Nanosecond()/1e6, i)
				}
				if err := b.Flush(); err != nil {
					t.Fatal(err)
				}
				l := awaitLines(t, e, n, time.Minute)
				if l.unique != n || l.duplicates != 0 {
					t.Errorf("of %d lines: %v", n, l)
				}
				for number, at := range l.times {
					if age := time.Since(at); age < 0 || age > 2*time.Minute {
						t.Fatalf("line %d has time %v", number, at)
					}
				}
				if code := j.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		})
	}
}
