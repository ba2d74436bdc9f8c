//go:build kafka

package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// kafka is the cluster all tests of the package share; TestMain starts it.
var kafka *cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test-kafka:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	jars, err := fetchBroker()
	if err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "out_sls_kafka-")
	if err != nil {
		return 1, err
	}
	defer func() {
		if kafka != nil {
			kafka.end()
		}
		if code == 0 && err == nil {
			os.RemoveAll(dir)
			return
		}
		data, _ := filepath.Glob(filepath.Join(dir, "data-*"))
		for _, d := range data {
			os.RemoveAll(d)
		}
		fmt.Fprintln(os.Stderr, "the brokers' logs are in", dir)
	}()
	if kafka, err = startCluster(dir, jars); err != nil {
		return 1, err
	}
	code = m.Run()
	results.print(os.Stdout, filepath.Base(jars))
	return code, nil
}
