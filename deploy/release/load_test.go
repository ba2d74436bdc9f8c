//go:build dist

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// lines is how many are sent.
const lines = 1000

// The shared object of each target ships lines in the bundled host, which the same compiler makes for the target: on
// another machine's processor in qemu-user, with the C library of Debian's cross compiler.
func TestLoadsInBundledHost(t *testing.T) {
	for _, tg := range targets {
		t.Run(tg.arch, func(t *testing.T) {
			command := emulator(t, tg)
			host := filepath.Join(t.TempDir(), "host")
			compileHost(t, tg, host)
			e := endpoint(t)
			command = append(command, host, "-e", filepath.Join(release.dir, tg.file(testVersion)), "-t", "test")
			for _, p := range properties(t, e) {
				command = append(command, "-p", strings.Join(p[:], "="))
			}
			p := run.StartTest(t, run.Command{Path: command[0], Args: command[1:]})
			p.Await("version "+testVersion, 1, time.Minute)
			p.Feed(numbered()...)
			// It ends with 0 when every chunk was answered with FLB_OK.
			if code := p.Wait(2 * time.Minute); code != 0 || p.Count("dropped=0") == 0 {
				t.Errorf("exit code %d", code)
			}
			wantNumbered(t, e)
		})
	}
}

// What is released ships lines in the real Fluent Bit.
func TestLoadsInFluentBit(t *testing.T) {
	fluentBit := run.NeedFluentBit(t, "the release in it")
	e := endpoint(t)
	input := filepath.Join(t.TempDir(), "input.log")
	if err := os.WriteFile(input, []byte(strings.Join(numbered(), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tg := range targets {
		if tg.arch != runtime.GOARCH {
			continue
		}
		args := []string{"-e", filepath.Join(release.dir, tg.file(testVersion)), "-f", "0.2",
			"-i", "tail", "-p", "path=" + input, "-p", "read_from_head=on", "-o", "sls_kafka", "-m", "*"}
		for _, p := range properties(t, e) {
			args = append(args, "-p", strings.Join(p[:], "="))
		}
		p := run.StartTest(t, run.Command{Path: fluentBit, Args: args})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := e.WaitCount(ctx, "demo", lines); err != nil {
			t.Fatal(err)
		}
		if code := p.Stop(); code != 0 || p.Count("version "+testVersion) != 1 {
			t.Errorf("exit code %d", code)
		}
		wantNumbered(t, e)
	}
}

// emulator is what a program of the target is run with, nothing where it is this machine's.
func emulator(t *testing.T, tg target) (command []string) {
	t.Helper()
	if tg.arch == runtime.GOARCH {
		return nil
	}
	qemu, err := exec.LookPath("qemu-" + tg.cpu + "-static")
	if err != nil {
		t.Skipf("%v: loading it for %s was not tried (Debian: qemu-user-static)", err, tg.arch)
	}
	system := "/usr/" + tg.cpu + "-linux-gnu"
	if _, err := os.Stat(filepath.Join(system, "lib", tg.loader)); err != nil {
		t.Skipf("%v: loading it for %s was not tried (Debian: libc6-%s-cross)", err, tg.arch, tg.arch)
	}
	return []string{qemu, "-L", system}
}

func compileHost(t *testing.T, tg target, path string) {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(release.root, "test/host/src/*.c"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources of the bundled host: %v", err)
	}
	args := append(tg.compiler(release.zig)[1:], "-O2", "-g", "-rdynamic", "-o", path)
	cmd := exec.Command(release.zig, append(append(args, sources...), "-ldl", "-lpthread")...)
	cmd.Env = append(os.Environ(), "ZIG_GLOBAL_CACHE_DIR="+release.zigCache, "ZIG_LOCAL_CACHE_DIR="+release.zigCache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the bundled host for %s: %v\n%s", tg.arch, err, out)
	}
}

func endpoint(t *testing.T) *sls.Endpoint {
	t.Helper()
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// properties make an output that ships to the endpoint.
func properties(t *testing.T, e *sls.Endpoint) [][2]string {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return [][2]string{{"project", "demo-project"}, {"logstore", "demo"}, {"endpoint", e.Addr()}, {"tls_ca_file", ca},
		{"access_key_id", "demo-id"}, {"access_key_secret", "demo-secret"}}
}

func numbered() (texts []string) {
	for i := range lines {
		texts = append(texts, fmt.Sprintf("line %d", i))
	}
	return texts
}

// wantNumbered fails unless each line landed, and no other.
func wantNumbered(t *testing.T, e *sls.Endpoint) {
	t.Helper()
	landed := make(map[string]bool)
	for _, l := range e.Logs("demo") {
		for _, f := range l.Fields() {
			if f.Key == "log" {
				landed[f.Value] = true
			}
		}
	}
	for _, text := range numbered() {
		if !landed[text] {
			t.Fatalf("%q did not land; %d lines did", text, len(landed))
		}
	}
	if len(landed) != lines {
		t.Errorf("%d different lines landed, want %d", len(landed), lines)
	}
}
