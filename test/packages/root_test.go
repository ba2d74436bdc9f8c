//go:build packages

package packages

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"out_sls_kafka/test/run"
)

// project is the root of the project.
const project = "../.."

// suite is the Debian that the deb is installed in.
const suite = "bookworm"

// packageFile is the package of the release for this machine.
func packageFile(t *testing.T, format string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(project, "build/dist/fluent-bit-sls-kafka-*-linux-"+runtime.GOARCH+"."+format))
	if err != nil || len(files) != 1 {
		t.Fatalf("make dist first: build/dist has %q: %v", files, err)
	}
	path, err := filepath.Abs(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// need returns the path of a program, or skips the test and says which package of Debian has it.
func need(t *testing.T, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%v (Debian: apt-get install %s)", err, debian)
	}
	return path
}

// root is the directory of an operating system that was installed for a test.
type root string

// debian is a fresh Debian of the smallest kind. The first is made with debootstrap and kept in build.
func debian(t *testing.T) root {
	t.Helper()
	debootstrap := need(t, "debootstrap", "debootstrap")
	if os.Getuid() != 0 {
		t.Skip("not root: debootstrap and chroot need it")
	}
	kept, err := filepath.Abs(filepath.Join(project, "build", "debian-"+suite))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err != nil {
		fresh := kept + "-fresh"
		if err := os.RemoveAll(fresh); err != nil {
			t.Fatal(err)
		}
		must(t, debootstrap, "--variant=minbase", suite, fresh)
		if err := os.Rename(fresh, kept); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "root")
	must(t, "cp", "-a", kept, dir)
	return root(dir)
}

// path is where a path of the system is on this machine.
func (r root) path(path string) string { return filepath.Join(string(r), path) }

// write writes a file and makes its directory.
func (r root) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.path(path), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r root) read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(r.path(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// program installs a program of this machine, and those of its libraries that the system does not have.
func (r root) program(t *testing.T, from, to string) {
	t.Helper()
	copyFile(t, from, r.path(to))
	for word := range strings.FieldsSeq(must(t, "ldd", from)) {
		if !strings.HasPrefix(word, "/") {
			continue
		}
		if _, err := os.Stat(r.path(word)); err != nil {
			copyFile(t, word, r.path(word))
		}
	}
}

// command is a command that runs in the system.
func (r root) command(args ...string) run.Command {
	return run.Command{Path: "chroot", Args: append([]string{string(r)}, args...)}
}

// mountProc gives the system its /proc, by which Fluent Bit's tail finds the names of its files.
func (r root) mountProc(t *testing.T) {
	t.Helper()
	must(t, "mount", "-t", "proc", "proc", r.path("/proc"))
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", r.path("/proc")).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
}

// files are the paths of all files of the system, without those that dpkg keeps for itself.
func (r root) files(t *testing.T) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	for path := range strings.Lines(must(t, "find", string(r), "-path", r.path("/var/lib/dpkg"), "-prune", "-o", "-print")) {
		all[strings.TrimPrefix(strings.TrimSpace(path), string(r))] = true
	}
	return all
}

// must runs a command and returns what it prints.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
