// Package deploy tests what is deployed: the container image, the Kubernetes manifests, the values for Fluent Bit's Helm
// chart. Each is rendered by the library its users' tool is made of, and the process it describes runs in a sandbox on
// log files as a container runtime writes them, with its own configuration and nothing changed, against the local
// endpoint.
package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"out_sls_kafka/test/deploy/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "deploy-images")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	imageDir = dir
	return m.Run()
}

// project is a path in the repository.
func project(t testing.TB, path ...string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{root}, path...)...)
}

// need finds a program, or skips the test where there is none.
func need(t testing.TB, program, what string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("no %s on PATH: %s", program, what)
	}
	return path
}
