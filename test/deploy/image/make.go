package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Make builds a target of the project's Dockerfile for this machine, in a new store below dir, and unpacks it.
func Make(ctx context.Context, project, target string, bases Bases, dir string) (Image, error) {
	s, err := NewStore(dir)
	if err != nil {
		return Image{}, err
	}
	return MakeIn(ctx, s, project, target, bases)
}

// MakeIn makes it in a store, by the name "made".
func MakeIn(ctx context.Context, s *Store, project, target string, bases Bases) (Image, error) {
	for name, base := range bases {
		if target == "plugin" && name == "fluent/fluent-bit" {
			continue // comes after that stage
		}
		if _, err := s.Commit(ctx, name, runtime.GOARCH, base); err != nil {
			return Image{}, err
		}
	}
	b, err := Project(project)
	if err != nil {
		return Image{}, err
	}
	b.Target, b.Name = target, "made"
	if err := s.Build(ctx, b); err != nil {
		return Image{}, err
	}
	return s.Unpack(ctx, Local(b.Name))
}

// Project is the building of the project's Dockerfile on bases of the store, by their names in [StandIns]. What this
// machine has kept of modules, builds and the C compiler is there for RUN: nothing is fetched twice.
func Project(dir string) (Build, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Build{}, err
	}
	out, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		return Build{}, fmt.Errorf("go env: %w", err)
	}
	at := strings.Fields(string(out))
	kept := filepath.Join(dir, "build")
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return Build{}, err
	}
	return Build{
		Dir: dir,
		// BuildKit sets BUILDPLATFORM itself, Debian 12's buildah does not.
		Args: map[string]string{"GO": Local("golang"), "FLUENT_BIT": Local("fluent/fluent-bit"), "BUSYBOX": Local("busybox"),
			"VERSION": "v0.0.0-test", "BUILDPLATFORM": "linux/" + runtime.GOARCH},
		Volumes: []string{"/usr:/usr:ro", at[0] + ":/opt/go:ro", at[1] + ":/go/pkg/mod", at[2] + ":/root/.cache/go-build", kept + ":/src/build"},
	}, nil
}
