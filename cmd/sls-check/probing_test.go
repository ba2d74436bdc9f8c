package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/cmd/sls-check/probe"
	"out_sls_kafka/test/sls"
)

func probeWith(t *testing.T, environment func(string) string, arguments ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, other strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	status = execute(ctx, append([]string{"-probe"}, arguments...), environment, &out, &other)
	return out.String(), other.String(), status
}

// A probe by a configuration, and one by flags alone; the report is all that standard output has.
func TestProbe(t *testing.T) {
	e, err := sls.Start(sls.Options{Logstores: []string{"demo", "probe-here"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	file, _ := outputOf(t, e, nil)
	ca := writeFile(t, "ca.pem", string(e.CAPEM()))
	for name, arguments := range map[string][]string{
		"configuration": {"-c", file, "-logstore", "probe-here", "-yes", "-sizes=false", "-report", "json", "-group", "g"},
		"flags":         {"-endpoint", e.Addr(), "-project", "demo-project", "-logstore", "probe-here", "-tls-ca-file", ca, "-yes", "-sizes=false", "-report", "json", "-group", "g"},
	} {
		t.Run(name, func(t *testing.T) {
			before := e.Count("probe-here")
			stdout, stderr, status := probeWith(t, credentials, arguments...)
			var report probe.Report
			if err := json.Unmarshal([]byte(stdout), &report); err != nil || status != statusFine {
				t.Fatalf("status %d, %v:\n%s%s", status, err, stdout, stderr)
			}
			if report.Count(probe.Differs) != 0 || report.Count(probe.AsDocumented) < 7 {
				t.Errorf("%+v", report)
			}
			if e.Count("probe-here") == before || e.Count("demo") != 0 {
				t.Errorf("%d records in the logstore that was named, %d in the other", e.Count("probe-here")-before, e.Count("demo"))
			}
			if !strings.Contains(stderr, "odd records") || strings.Contains(stderr, "demo-secret") {
				t.Errorf("before it writes it says: %s", stderr)
			}
		})
	}
}

// Without a yes nothing is written.
func TestProbeAsksForLeave(t *testing.T) {
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	file, _ := outputOf(t, e, nil)
	s, err := parseFlags([]string{"-probe", "-c", file, "-load", "-other-endpoint", "localhost:1"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	target, err := s.probe.target(s, credentials)
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]bool{"yes\n": true, "yes": true, "y\n": false, "\n": false, "": false, "no, yes\n": false} {
		var said strings.Builder
		if err := s.probe.consent(t.Context(), target, strings.NewReader(answer), &said); (err == nil) != want {
			t.Errorf("after %q: %v", answer, err)
		}
		for _, part := range []string{"150 odd records", "logstore demo of project demo-project at " + e.Addr(), "250 MB", "400 MiB", "AccessKey to localhost:1", "bills"} {
			if !strings.Contains(said.String(), part) {
				t.Errorf("no %q in %s", part, said.String())
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, w, err := os.Pipe() // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	if s.probe.consent(ctx, target, r, io.Discard) == nil {
		t.Error("an interrupted question counts as a yes")
	}
}

func TestProbeFlags(t *testing.T) {
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	file, _ := outputOf(t, e, map[string]string{"tls_verify": "off"})
	wrong, _ := outputOf(t, e, map[string]string{"access_key_secret": "wrong"})
	broken, _ := outputOf(t, e, map[string]string{"compression": "brotli"})
	for arguments, want := range map[string]string{
		"":                                 "which endpoint?",
		"-endpoint a -project abc":         "all of -endpoint, -project and -logstore",
		"-c x -endpoint a":                 "not from both",
		"-c x -yes":                        "-yes needs -logstore",
		"-c x -logstore A":                 "want 3 to 63 characters",
		"-c x -report xml":                 "want text, json or markdown",
		"-c x -wait 0s":                    "want a time above 0",
		"-yes -logstore demo -c " + file:   "tls_verify is off",
		"-yes -logstore demo -c " + wrong:  "the logstore: refused: TOPIC_AUTHORIZATION_FAILED",
		"-yes -logstore demo -c " + broken: "no output of sls_kafka can be used",
	} {
		stdout, stderr, status := probeWith(t, credentials, strings.Fields(arguments)...)
		if status != statusErrors || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%s: status %d, %q, want %q", arguments, status, stderr, want)
		}
	}
	var errs strings.Builder
	if status := execute(t.Context(), []string{"-c", file, "-group", "g"}, credentials, io.Discard, &errs); status != statusErrors || !strings.Contains(errs.String(), "-group: only with -probe") {
		t.Errorf("status %d: %s", status, errs.String())
	}
}

func TestOtherEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"p.cn-hangzhou.log.aliyuncs.com:10012":         "p.cn-shanghai.log.aliyuncs.com:10012",
		"p.cn-shanghai.log.aliyuncs.com:10012":         "p.cn-hangzhou.log.aliyuncs.com:10012",
		"p.cn-beijing-intranet.log.aliyuncs.com:10011": "p.cn-shanghai-intranet.log.aliyuncs.com:10011",
		"localhost:9092":        "",
		"sls.example.com:10012": "",
	} {
		if got := (&probing{}).otherEndpoint(endpoint); got != want {
			t.Errorf("%s: %q, want %q", endpoint, got, want)
		}
	}
	if (&probing{other: "none"}).otherEndpoint("p.cn-hangzhou.log.aliyuncs.com:10012") != "" || (&probing{other: "a:1"}).otherEndpoint("b:1") != "a:1" {
		t.Error("-other-endpoint does not count")
	}
}
