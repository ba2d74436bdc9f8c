package kubernetes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"out_sls_kafka/test/deploy/image"
	"out_sls_kafka/test/deploy/sandbox"
	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// root is the project's directory.
const root = "../../.."

// built holds what several tests use: images, sls-check.
var built string

func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "deploy-kubernetes"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(built)
	return m.Run()
}

// authority issues the certificates of SLS and of the API server.
var authority = sync.OnceValues(func() (*sls.CA, error) { return sls.NewCA() })

// The images that pods name, by repository. Nobody may write to them.
var images = map[string]func() (image.Image, error){
	"registry.example.com/fluent-bit-sls":        sync.OnceValues(func() (image.Image, error) { return buildImage("") }),
	"registry.example.com/fluent-bit-sls-plugin": sync.OnceValues(func() (image.Image, error) { return buildImage("plugin") }),
	"cr.fluentbit.io/fluent/fluent-bit":          sync.OnceValues(fluentBitImage),
}

// bases are the images that the Dockerfile starts from.
func bases() (image.Bases, error) {
	ca, err := authority()
	if err != nil {
		return nil, err
	}
	fluentBit, err := run.FluentBit()
	if err != nil {
		return nil, err
	}
	return image.StandIns(fluentBit, ca.PEM()), nil
}

// buildImage is what docker build --target makes.
func buildImage(target string) (image.Image, error) {
	from, err := bases()
	if err != nil {
		return image.Image{}, err
	}
	return image.Make(context.Background(), root, target, from, built)
}

// fluentBitImage is Fluent Bit's own, without the plugin.
func fluentBitImage() (image.Image, error) {
	from, err := bases()
	if err != nil {
		return image.Image{}, err
	}
	base := from["fluent/fluent-bit"]
	dir, err := os.MkdirTemp(built, "image")
	if err != nil {
		return image.Image{}, err
	}
	return image.Image{Root: dir, Config: ocispecs.ImageConfig{Entrypoint: base.Config.Entrypoint, Cmd: base.Config.Cmd}}, base.Fill(dir)
}

// buildCheck makes sls-check, linked so that it runs in any root directory.
var buildCheck = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "sls-check")
	build := exec.Command("go", "build", "-o", path, "./cmd/sls-check")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building sls-check: %w\n%s", err, out)
	}
	return path, nil
})

// needCluster skips a test where pods cannot run.
func needCluster(t testing.TB, what string) {
	t.Helper()
	run.NeedFluentBit(t, what)
	for _, program := range []string{"buildah", "busybox"} { // Debian: buildah, busybox-static
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v: %s", err, what)
		}
	}
	if os.Geteuid() != 0 {
		t.Skipf("not root: %s: containers are made with chroot, mounts and namespaces", what)
	}
}
