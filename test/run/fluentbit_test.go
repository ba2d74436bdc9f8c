package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFluentBits(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"a", "b"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	t.Setenv("PATH", dir)
	for _, c := range []struct {
		one, several string
		want         []string
	}{
		{"", paths[0] + "," + paths[1], paths},
		{"", paths[0] + ":" + paths[1] + ":", paths},
		{paths[0], " " + paths[1] + " ", paths[1:]},
		{paths[0], "", paths[:1]},
		{"", "b,a", []string{paths[1], paths[0]}},
	} {
		t.Setenv("FLUENT_BIT", c.one)
		t.Setenv("FLUENT_BITS", c.several)
		if got, err := FluentBits(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("FLUENT_BIT=%s FLUENT_BITS=%s: %q, %v; want %q", c.one, c.several, got, err, c.want)
		}
	}
	t.Setenv("FLUENT_BITS", paths[0]+",absent")
	if got, err := FluentBits(); err == nil || errors.Is(err, ErrNoFluentBit) {
		t.Errorf("a program that is not there: %q, %v", got, err)
	}
	t.Setenv("FLUENT_BITS", "")
	t.Setenv("FLUENT_BIT", "")
	if got, err := FluentBits(); !errors.Is(err, ErrNoFluentBit) {
		t.Errorf("none: %q, %v", got, err)
	}
}
