package image

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image whose files lie in a directory.
type Image struct {
	Root   string
	Config ocispecs.ImageConfig
}

// Command is what runs in a container of the image, with args, if any, in place of its own.
func (i Image) Command(args ...string) []string {
	if len(args) == 0 {
		args = i.Config.Cmd
	}
	return append(append([]string(nil), i.Config.Entrypoint...), args...)
}

// Store is where buildah keeps images and containers.
type Store struct{ dir string }

// policy lets buildah take images without a signature: those of a test have none.
const policy = `{"default": [{"type": "insecureAcceptAnything"}]}`

// NewStore makes a store below dir.
func NewStore(dir string) (*Store, error) {
	dir, err := os.MkdirTemp(dir, "store")
	if err != nil {
		return nil, err
	}
	return &Store{dir}, os.WriteFile(filepath.Join(dir, "policy.json"), []byte(policy), 0o600)
}

// Buildah runs a command of buildah and returns its standard output.
func (s *Store) Buildah(ctx context.Context, command string, args ...string) (string, error) {
	all := []string{"--root", filepath.Join(s.dir, "storage"), "--runroot", filepath.Join(s.dir, "run"), "--storage-driver", "vfs", command}
	switch command {
	case "bud", "commit", "from", "pull", "push":
		all = append(all, "--signature-policy", filepath.Join(s.dir, "policy.json"))
	}
	cmd := exec.CommandContext(ctx, "buildah", append(all, args...)...)
	cmd.Env = append(os.Environ(), "BUILDAH_ISOLATION=chroot")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("buildah %s %s: %w\n%s%s", command, strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Commit makes a base image of this name, for an architecture as Go calls it, and returns its ID. By that a Dockerfile
// finds it for another architecture too: after a FROM --platform, Debian 12's buildah looks names up for that platform.
func (s *Store) Commit(ctx context.Context, name, arch string, base Base) (id string, err error) {
	root := filepath.Join(s.dir, "base")
	if err := os.RemoveAll(root); err != nil {
		return "", err
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	if err := base.Fill(root); err != nil {
		return "", fmt.Errorf("base image %s: %w", name, err)
	}
	container, err := s.Buildah(ctx, "from", "scratch")
	if err != nil {
		return "", err
	}
	config := []string{"--os", "linux", "--arch", arch}
	for _, v := range base.Config.Env {
		config = append(config, "--env", v)
	}
	if len(base.Config.Entrypoint) > 0 {
		entrypoint, err := json.Marshal(base.Config.Entrypoint)
		if err != nil {
			return "", err
		}
		config = append(config, "--entrypoint", string(entrypoint), "--cmd", strings.Join(base.Config.Cmd, " "))
	}
	for port := range base.Config.ExposedPorts {
		config = append(config, "--port", port)
	}
	for _, step := range [][]string{
		{"copy", container, root, "/"},
		append(append([]string{"config"}, config...), container),
		{"commit", "--quiet", "--rm", container, Local(name)},
	} {
		if id, err = s.Buildah(ctx, step[0], step[1:]...); err != nil {
			return "", err
		}
	}
	return id, os.RemoveAll(root)
}

// Local is the full name of an image that is in the store alone.
func Local(name string) string { return "localhost/" + name }

// Build says what is built.
type Build struct {
	Dir       string            // holds Dockerfile and .dockerignore
	File      string            // the Dockerfile, if it is another
	Target    string            // the last stage, if it is ""
	Platforms []string          // that of this machine, if none; more than one make a manifest list
	Args      map[string]string // build arguments
	Volumes   []string          // host:container, for RUN
	Name      string
}

// Build makes an image, or a manifest list.
func (s *Store) Build(ctx context.Context, b Build) error {
	args := []string{"--isolation", "chroot", "--pull=never", "--format", "docker", "--target", b.Target}
	if b.File != "" {
		args = append(args, "--file", b.File)
	}
	if len(b.Platforms) > 0 {
		args = append(args, "--platform", strings.Join(b.Platforms, ","))
	}
	for name, value := range b.Args {
		args = append(args, "--build-arg", name+"="+value)
	}
	for _, v := range b.Volumes {
		args = append(args, "--volume", v)
	}
	name := "--tag"
	if len(b.Platforms) > 1 {
		name = "--manifest"
	}
	_, err := s.Buildah(ctx, "bud", append(args, name, Local(b.Name), b.Dir)...)
	return err
}

// Unpack makes a container of an image, in whose root its files are.
func (s *Store) Unpack(ctx context.Context, name string) (Image, error) {
	container, err := s.Buildah(ctx, "from", "--pull-never", name)
	if err != nil {
		return Image{}, err
	}
	root, err := s.Buildah(ctx, "mount", container)
	if err != nil {
		return Image{}, err
	}
	config, err := s.Config(ctx, name)
	return Image{root, config}, err
}

// Config is how the image of a name is run.
func (s *Store) Config(ctx context.Context, name string) (ocispecs.ImageConfig, error) {
	text, err := s.Buildah(ctx, "inspect", "--type", "image", name)
	if err != nil {
		return ocispecs.ImageConfig{}, err
	}
	var inspected struct{ OCIv1 ocispecs.Image }
	if err := json.Unmarshal([]byte(text), &inspected); err != nil {
		return ocispecs.ImageConfig{}, fmt.Errorf("buildah inspect %s: %w", name, err)
	}
	return inspected.OCIv1.Config, nil
}
