package image

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// StandIns are the images that the Dockerfile starts from, made of what this machine has. Where it has no Fluent Bit
// (fluentBit is "") or busybox to fill one with, a build that needs it fails; what the Dockerfile says can be checked all
// the same.
func StandIns(fluentBit string, roots []byte) Bases {
	return Bases{
		"golang":            Go(),
		"fluent/fluent-bit": FluentBit(fluentBit, roots),
		"busybox":           Busybox("busybox"),
	}
}

// Go is a base image that stands in for Go's own: a system whose programs and libraries are those of this machine, which
// [Project] mounts, and its Go.
func Go() Base {
	return Base{
		Config: ocispecs.ImageConfig{Env: []string{"PATH=/opt/go/bin:/usr/bin:/usr/sbin", "HOME=/root", "GOPATH=/go"}},
		Fill: func(root string) error {
			for _, dir := range []string{"usr", "opt/go", "tmp", "root/.cache/go-build", "go/pkg/mod", "src/build", "etc/ssl"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
					return err
				}
			}
			for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
				if err := os.Symlink("usr/"+dir, filepath.Join(root, dir)); err != nil {
					return err
				}
			}
			for _, file := range []string{"/etc/passwd", "/etc/ssl/certs/ca-certificates.crt"} {
				if err := copyFile(file, filepath.Join(root, file)); err != nil {
					return err
				}
			}
			return os.Chmod(filepath.Join(root, "tmp"), 0o777)
		},
	}
}

// FluentBit is a base image that stands in for Fluent Bit's own: the program at path with the libraries it needs, at the
// places and with the configuration of the official one (Fluent Bit 5.1.1, dockerfiles/Dockerfile). roots are the
// certificate authorities it trusts, PEM.
func FluentBit(path string, roots []byte) Base {
	const program = "/fluent-bit/bin/fluent-bit"
	return Base{
		Config: ocispecs.ImageConfig{
			Entrypoint:   []string{program},
			Cmd:          []string{program, "-c", "/fluent-bit/etc/fluent-bit.conf"},
			ExposedPorts: map[string]struct{}{"2020/tcp": {}},
		},
		Fill: func(root string) error {
			if err := install(root, path, program); err != nil {
				return err
			}
			if err := installStubs(root); err != nil {
				return err
			}
			return write(root, "/etc/ssl/certs/ca-certificates.crt", roots)
		},
	}
}

// BundledHost is a base image with the bundled host, built for any processor, in the place of Fluent Bit, and the C
// library in libraries. There is a Fluent Bit for this machine's processor alone.
func BundledHost(path, libraries string) Base {
	base := FluentBit(path, nil)
	base.Fill = func(root string) error {
		if err := copyFile(path, filepath.Join(root, "/fluent-bit/bin/fluent-bit")); err != nil {
			return err
		}
		for _, pattern := range []string{"ld-linux-*.so.*", "libc.so.6", "libdl.so.2", "libpthread.so.0"} {
			found, err := filepath.Glob(filepath.Join(libraries, pattern))
			if err != nil || len(found) == 0 {
				return fmt.Errorf("no %s in %s: %v", pattern, libraries, err)
			}
			for _, library := range found {
				for _, dir := range []string{"/lib", "/lib64"} {
					if err := copyFile(library, filepath.Join(root, dir, filepath.Base(library))); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	return base
}

// Busybox is a base image that stands in for the one of that name: the named program, a path or on PATH, as /bin/busybox
// and /bin/cp.
func Busybox(name string) Base {
	return Base{Fill: func(root string) error {
		path, err := exec.LookPath(name)
		if err != nil {
			return err
		}
		if err := install(root, path, "/bin/busybox"); err != nil {
			return err
		}
		return os.Symlink("busybox", filepath.Join(root, "bin/cp"))
	}}
}

// install copies a program to a place in root, and the libraries that ldd(1) names to theirs.
func install(root, path, to string) error {
	if err := copyFile(path, filepath.Join(root, to)); err != nil {
		return err
	}
	out, err := exec.Command("ldd", path).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return nil
		}
		return fmt.Errorf("ldd %s: %w: %s", path, err, out)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if !strings.HasPrefix(word, "/") {
			continue
		}
		if err := copyFile(word, filepath.Join(root, word)); err != nil {
			return err
		}
	}
	return nil
}

// installStubs adds the libraries that are empty since glibc 2.34, where its libc.so.6 is: what is linked for an older one
// needs them by name, and a distribution has them in the same package.
func installStubs(root string) error {
	for _, library := range []string{"libpthread.so.0", "libdl.so.2"} {
		for _, pattern := range []string{"/lib/*-linux-gnu", "/lib64"} {
			dirs, err := filepath.Glob(pattern)
			if err != nil {
				return err
			}
			for _, dir := range dirs {
				if _, err := os.Stat(filepath.Join(root, dir, "libc.so.6")); err != nil {
					continue
				}
				if err := copyFile(filepath.Join(dir, library), filepath.Join(root, dir, library)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func write(root, path string, b []byte) error {
	file := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}
