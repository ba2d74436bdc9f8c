package interop

import (
	"fmt"
	"os"
	"os/exec"
	"out_sls_kafka/test/run"
	"path/filepath"
	"sync"
	"testing"
)

// scratch is a directory for what all tests share.
var scratch string

// afterRun is called when all tests have ended; its error fails the run.
var afterRun []func() error

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sls-kafka-interop")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	scratch = dir
	code := m.Run()
	for _, f := range afterRun {
		if err := f(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	return code
}

// plugin builds the shared object, once.
var plugin = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "out_sls_kafka.so")
	return path, run.BuildPlugin(path)
})

// bundledHost builds the host in C that stands in for Fluent Bit, once.
var bundledHost = sync.OnceValues(func() (string, error) {
	sources, err := filepath.Glob("../host/src/*.c")
	if err != nil || len(sources) == 0 {
		return "", fmt.Errorf("no sources of the bundled host: %v", err)
	}
	path := filepath.Join(scratch, "host")
	args := append([]string{"-O1", "-rdynamic", "-o", path}, sources...)
	out, err := exec.Command("cc", append(args, "-ldl", "-lpthread")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the bundled host: %w\n%s", err, out)
	}
	return path, nil
})

// fluentBit finds the real thing: FLUENT_BIT, or PATH; "" where there is none.
func fluentBit() string {
	if path := os.Getenv("FLUENT_BIT"); path != "" {
		return path
	}
	path, err := exec.LookPath("fluent-bit")
	if err != nil {
		return ""
	}
	return path
}
