package main

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"out_sls_kafka/deploy/buildflags"
	"path/filepath"
	"strings"
)

const (
	// goVersion is the version of Go that builds, fetched by the go command where it is another: the bytes depend on it.
	goVersion = "go1.26.8"

	// glibc is the oldest C library to load on: that of CentOS 7, the oldest system Fluent Bit has a package for.
	glibc = "2.17"
)

// target is a kind of machine to build for.
type target struct {
	arch    string // as Go and Debian call it
	cpu     string // as compilers call it
	machine elf.Machine
	loader  string // the dynamic linker, which a shared object may need by name
	page    uint64 // largest page of memory that Linux uses there
}

var targets = []target{
	{"amd64", "x86_64", elf.EM_X86_64, "ld-linux-x86-64.so.2", 4 << 10},
	{"arm64", "aarch64", elf.EM_AARCH64, "ld-linux-aarch64.so.1", 64 << 10},
}

// file is the name of the shared object. It must not begin with flb-, by which Fluent Bit knows plugins written in C
// (src/flb_plugin.c).
func (t target) file(version string) string {
	return fmt.Sprintf("out_sls_kafka-%s-linux-%s.so", version, t.arch)
}

// compiler is the C compiler for the target.
func (t target) compiler(zig string) []string {
	return []string{zig, "cc", "-target", t.cpu + "-linux-gnu." + glibc}
}

// tags keep the resolver and the user database of the C library out: Go has its own, and those of a C library are not the
// same from one to the next.
const tags = "netgo,osusergo"

// cFlags make a warning of the C compiler end the build; Go's own C has parameters that it does not use. -g is left out:
// debug information tells the paths of the compiler's headers.
const cFlags = "-Wall -Wextra -Wno-unused-parameter -Werror"

// builder builds the module in root.
type builder struct {
	root     string
	zig      string // the program
	zigCache string // the directory where it keeps what it compiled
	tools    string // the directory of the programs that provideTools builds
}

// programs are those of cmd that people install.
var programs = []string{"sls-check", "sls-endpoint"}

// program is the name of the file that holds a program.
func (t target) program(name, version string) string {
	return fmt.Sprintf("%s-%s-linux-%s", name, version, t.arch)
}

// program builds one of the programs for a target: static, so that it runs on any Linux.
func (b *builder) program(path, name string, t target, version string) error {
	_, err := b.goCommandWith(t, []string{"CGO_ENABLED=0"}, "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.version="+version, "-o", path, "./cmd/"+name)
	if err != nil {
		return fmt.Errorf("build %s for %s: %w", name, t.arch, err)
	}
	return nil
}

// object builds the shared object for a target.
func (b *builder) object(path string, t target, version string) error {
	// The linker's build ID would tell the path of the C compiler; what version control knows is not in an archive of
	// the sources. Zig takes no -s from Go's linker, only from a linker's own flags.
	shared, err := buildflags.Read(b.root)
	if err != nil {
		return err
	}
	flags := []string{"build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-tags", tags,
		"-ldflags", `-s -w -buildid= "-extldflags=-Wl,-s ` + shared["EXTLDFLAGS"] + `" -X main.version=` + version, "-o", path, "."}
	if _, err := b.goCommand(t, flags...); err != nil {
		return fmt.Errorf("build for %s: %w", t.arch, err)
	}
	return os.Remove(strings.TrimSuffix(path, ".so") + ".h")
}

// goCommand runs the go command for a target and returns its standard output.
func (b *builder) goCommand(t target, args ...string) ([]byte, error) {
	return b.goCommandWith(t, nil, args...)
}

// goCommandWith runs it with settings that take precedence over those of the target.
func (b *builder) goCommandWith(t target, settings []string, args ...string) ([]byte, error) {
	env, err := b.environment(t)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = b.root, append(env, settings...)
	return output(cmd)
}

// environment is all that the go command is told. Of this process's only that gets through which does not change what
// comes out: where to find programs, where to keep things, and where modules come from.
func (b *builder) environment(t target) ([]string, error) {
	shared, err := buildflags.Read(b.root)
	if err != nil {
		return nil, err
	}
	env := []string{
		"CGO_ENABLED=1", "GOOS=linux", "GOARCH=" + t.arch, "GOAMD64=v1", "GOARM64=v8.0",
		"CC='" + t.compiler(b.zig)[0] + "' " + strings.Join(t.compiler(b.zig)[1:], " "), "CGO_CFLAGS=" + shared["CGO_CFLAGS"] + " " + cFlags,
		"ZIG_GLOBAL_CACHE_DIR=" + b.zigCache, "ZIG_LOCAL_CACHE_DIR=" + b.zigCache,
		"GOTOOLCHAIN=" + goVersion, "GOENV=off", "GOWORK=off",
	}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	cmd := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE",
		"GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS")
	cmd.Dir = b.root
	settings, err := output(cmd)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal(settings, &values); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	return env, nil
}

// output runs a command and returns its standard output; the error has its standard error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(cmd.Path), strings.Join(cmd.Args[1:], " "), err, stderr.String())
	}
	return out, nil
}
