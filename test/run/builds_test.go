package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestBuilds(t *testing.T) {
	t.Parallel()
	var b Builds
	t.Cleanup(func() { b.Close() })
	paths := make([]string, 4)
	var all sync.WaitGroup
	for i := range paths {
		all.Go(func() {
			var err error
			if paths[i], err = b.Host([]string{"-DHOST_VERSION=10910"}[i/2:]...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if paths[0] != paths[1] || paths[2] != paths[3] || paths[0] == paths[2] {
		t.Errorf("two hosts, built once each, are at %q", paths)
	}
	for _, path := range paths {
		if p := StartTest(t, Command{Path: path, Args: []string{"--help"}}); p.Wait(limit) != 0 || p.Count("--dry-run") == 0 {
			t.Errorf("%s --help: %s", path, p.Output())
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(paths[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

func TestGo(t *testing.T) {
	t.Parallel()
	var b Builds
	t.Cleanup(func() { b.Close() })
	path, err := b.Go("out_sls_kafka/cmd/sls-endpoint")
	if err != nil {
		t.Fatal(err)
	}
	if p := StartTest(t, Command{Path: path, Args: []string{"-h"}}); p.Wait(limit) != 0 || p.Count("-listen") == 0 {
		t.Errorf("sls-endpoint -h: %s", p.Output())
	}
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	var b Builds
	t.Cleanup(func() { b.Close() })
	for want, build := range map[string]func() (string, error){
		"cc -O1 -g":    func() (string, error) { return b.Host("-Dint=") },
		"no C sources": func() (string, error) { return b.C("docs") },
		"go build":     func() (string, error) { return b.Go("out_sls_kafka/nowhere") },
	} {
		for range 2 { // the second time too
			if _, err := build(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		}
	}
}

func TestFluentBit(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "fluent-bit")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho Fluent Bit v0\necho more\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, variable, path, want, err string
	}{
		{"named", fake, "", fake, ""},
		{"on PATH", "", dir, fake, ""},
		{"none", "", "", "", ErrNoFluentBit.Error()},
		{"named wrongly", dir + "/other", dir, "", "FLUENT_BIT must name the program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("FLUENT_BIT", c.variable)
			t.Setenv("PATH", c.path)
			path, err := FluentBit()
			if path != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v; want %q, %q", path, err, c.want, c.err)
			}
		})
	}
	if version, err := Version(fake); version != "Fluent Bit v0" || err != nil {
		t.Errorf("version %q, %v", version, err)
	}
	if _, err := Version(dir + "/other"); err == nil {
		t.Error("a program that is not there has a version")
	}
}
