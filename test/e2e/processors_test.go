package e2e

import (
	"regexp"
	"testing"
	"time"

	"out_sls_kafka/test/endpoint/sls"
)

// Go's runtime in the host uses one processor while there is little to do, and
// all again when there is much. Its trace says how many.
func TestProcessorsInUse(t *testing.T) {
	t.Setenv("GODEBUG", "schedtrace=100")
	t.Setenv("GOMAXPROCS", "")
	const few, many = 10, 20_000
	e := startEndpoint(t, sls.Options{})
	section := outputSection(t, e, "")
	j := bundled(t).startJob(t, func(file string) string { return tailConfig(t, file, "", "", section) }, "-b", "10000", "-r", "100", "-f", "100")
	j.await("gomaxprocs=", 1, 10*time.Second)
	usual := regexp.MustCompile(`gomaxprocs=\d+ `).FindString(j.out.String())
	if usual == "gomaxprocs=1 " {
		t.Skip("the host has one processor: there is nothing to change")
	}
	feed(t, j.input, 0, few)
	waitCount(t, e, few)
	j.await("gomaxprocs=1 ", 1, 30*time.Second)
	before, _ := j.out.count(usual)
	feed(t, j.input, few, many)
	j.await(usual, before+1, 10*time.Second)
	wantAll(t, awaitLines(t, e, many, time.Minute), many)
}
