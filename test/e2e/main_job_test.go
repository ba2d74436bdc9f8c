package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"out_sls_kafka/test/endpoint/sls"
)

func TestEveryLineLands(t *testing.T) {
	const n = 200_000
	eachHost(t, func(t *testing.T, h host) {
		e := startEndpoint(t, sls.Options{})
		file := filepath.Join(t.TempDir(), "access.log")
		writeLines(t, file, 0, n)
		p := h.start(t, tailConfig(t, e, file, "", "", ""))
		wantAll(t, awaitLines(t, e, n, time.Minute), n)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
