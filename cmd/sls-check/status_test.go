package main

import (
	"strings"
	"testing"

	"out_sls_kafka/test/run"
)

// The exit status is the documented one by every documented way: of the program, and of make, which ends with 2 whatever
// the program's status but 0 was.
func TestStatusByEveryWay(t *testing.T) {
	var builds run.Builds
	t.Cleanup(func() { builds.Close() })
	program, err := builds.Go("out_sls_kafka/cmd/sls-check")
	if err != nil {
		t.Fatal(err)
	}
	fine := goodService + goodTail + goodOutput
	env := []string{"SLS_ACCESS_KEY_ID=demo-id", "SLS_ACCESS_KEY_SECRET=demo-secret"}
	for name, c := range map[string]struct {
		config, arguments string
		status, make      int
	}{
		"fine":                  {fine, "", 0, 0},
		"fine, strict":          {fine, "-strict", 0, 0},
		"a warning":             {fine + "    mach *\n", "", 0, 0},
		"a warning, strict":     {fine + "    mach *\n", "-strict", 1, 2},
		"an error":              {fine + "    compression brotli\n", "", 2, 2},
		"an error, strict":      {fine + "    compression brotli\n", "-strict", 2, 2},
		"a refused file":        {"[SERVICE\n", "", 2, 2},
		"wrong use":             {fine, "-stict", 2, 2},
		"another machine, fine": {fine + "    tls_ca_file /no/such.pem\n", "-strict -root /no/such", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, "fluent-bit.conf", c.config)
			p := run.StartTest(t, run.Command{Path: program, Args: append(strings.Fields(c.arguments), "-c", file), Env: env})
			if status := p.Wait(limit); status != c.status {
				t.Errorf("status %d, want %d:\n%s", status, c.status, p.Output())
			}
			m := run.StartTest(t, run.Command{Path: "make", Args: []string{"-s", "-C", "../..", "check-config", "CONF=" + file, "ARGS=" + c.arguments, "VERSION=test"}, Env: env})
			if status := m.Wait(limit); status != c.make {
				t.Errorf("make: status %d, want %d:\n%s", status, c.make, m.Output())
			}
			if c.status < 2 && m.Count(" of sls_kafka: ") != 1 {
				t.Errorf("make does not show the report:\n%s", m.Output())
			}
		})
	}
}
