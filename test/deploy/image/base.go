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
		"golang":            {}, // RUN runs on this machine, whose Go it takes
		"fluent/fluent-bit": FluentBit(fluentBit, roots),
		"busybox":           Busybox("busybox"),
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
			return write(root, "/etc/ssl/certs/ca-certificates.crt", roots)
		},
	}
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
