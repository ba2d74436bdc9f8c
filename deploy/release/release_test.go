//go:build dist

package main

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const testVersion = "v0.0.0-test"

// release is what is tested, made once.
var release struct {
	builder
	dir string
}

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// buildAndRun makes the release of a copy of the sources: others may write to those during the build.
func buildAndRun(m *testing.M) (code int, err error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "dist")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	zig, err := provideZig(filepath.Join(root, tools))
	if err != nil {
		return 0, err
	}
	release.builder = builder{filepath.Join(dir, "sources"), zig, filepath.Join(root, tools, "zig-cache"), filepath.Join(root, tools, "release-tools")}
	if err := provideTools(root, release.tools); err != nil {
		return 0, err
	}
	release.dir = filepath.Join(dir, "release")
	if err := copySources(release.root, root); err != nil {
		return 0, err
	}
	if err := os.Mkdir(release.dir, 0o755); err != nil {
		return 0, err
	}
	if err := release.release(release.dir, testVersion); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// copySources copies what a shared object and its tests are made of.
func copySources(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (name == ".git" || name == tools):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o644)
	})
}

// The shared objects are sound and hold no path of this machine, the sums are right, the licences are there.
func TestContents(t *testing.T) {
	for _, tg := range targets {
		path := filepath.Join(release.dir, tg.file(testVersion))
		found, err := inspect(path, tg)
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s %v", tg.arch, found)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{release.root, "ziglang", "/go/pkg/mod"} {
			if bytes.Contains(content, []byte(path)) {
				t.Errorf("%s holds a path of this machine, with %s", tg.arch, path)
			}
		}
	}
	sums := exec.Command("sha256sum", "--check", "--strict", sumsFile)
	sums.Dir = release.dir
	out, err := sums.CombinedOutput()
	if err != nil || strings.Count(string(out), ": OK") != len(targets)*(2*(1+len(programs))+len(formats))+2 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	notices, err := os.ReadFile(filepath.Join(release.dir, noticesFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, linked := range []string{"Go " + goVersion, "github.com/twmb/franz-go v", "github.com/fluent/fluent-bit-go v", "github.com/klauspost/compress v"} {
		if !strings.Contains(string(notices), "\n"+linked) {
			t.Errorf("%s does not name %s", noticesFile, linked)
		}
	}
	if strings.Contains(string(notices), "tinylib") {
		t.Errorf("%s names what only tests use", noticesFile)
	}
}

// The bill of each binary names it, its version, and the modules that are linked, each with its sum; the programs are
// static.
func TestBillsAndPrograms(t *testing.T) {
	for _, tg := range targets {
		wantBill(t, tg.file(testVersion), "github.com/twmb/franz-go/pkg/kmsg")
		for _, program := range programs {
			name := tg.program(program, testVersion)
			wantBill(t, name, "github.com/twmb/franz-go/pkg/kmsg")
			f, err := elf.Open(filepath.Join(release.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 || f.Machine != tg.machine {
				t.Errorf("%s is for %v and needs %q: %v", name, f.Machine, libraries, err)
			}
			f.Close()
		}
	}
}

func wantBill(t *testing.T, binary, linked string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(release.dir, binary+billSuffix))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat, SerialNumber string
		Metadata                struct {
			Timestamp string
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version string
			Hashes        []struct{ Content string }
		}
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if c := bill.Metadata.Component; bill.BOMFormat != "CycloneDX" || c.Name != "out_sls_kafka" || c.Version != testVersion {
		t.Errorf("bill of %s: %s of %s %s", binary, bill.BOMFormat, c.Name, c.Version)
	}
	if bill.SerialNumber+bill.Metadata.Timestamp != "" {
		t.Errorf("bill of %s differs each time: %s %s", binary, bill.SerialNumber, bill.Metadata.Timestamp)
	}
	named := make(map[string]bool)
	for _, c := range bill.Components {
		if c.Name != "std" && (c.Version == "" || len(c.Hashes) == 0) {
			t.Errorf("bill of %s: %s has version %q, %d sums", binary, c.Name, c.Version, len(c.Hashes))
		}
		named[c.Name] = true
	}
	if !named["std"] || !named[linked] {
		t.Errorf("bill of %s names %v", binary, named)
	}
}

// Another directory, other caches, the C compiler elsewhere: the same bytes.
func TestReproducible(t *testing.T) {
	dir := t.TempDir()
	again := builder{filepath.Join(dir, "a longer way", "to the sources"), filepath.Join(dir, "compiler", "zig"), filepath.Join(dir, "zig-cache"), release.tools}
	t.Setenv("GOCACHE", filepath.Join(dir, "go-cache"))
	t.Setenv("CGO_CFLAGS", "-O0")
	t.Setenv("GOFLAGS", "-tags=other")
	if err := copySources(again.root, release.root); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Dir(again.zig), os.DirFS(filepath.Dir(release.zig))); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "release")
	if err := os.Mkdir(made, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := again.release(made, testVersion); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(release.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		one, err := os.ReadFile(filepath.Join(release.dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(made, f.Name()))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(one, other) {
			t.Errorf("%s is not the same", f.Name())
		}
	}
}
