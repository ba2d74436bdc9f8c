//go:build interop

package interop

import (
	"errors"
	"os/exec"
	"testing"
)

// Fluentd, its Kafka plugin and its library ruby-kafka are Ruby gems, and Debian packages none of them. Where there is a
// ruby with the library, this test says so by failing: then it is time to write it.
func TestFluentd(t *testing.T) {
	client(t, row{example: 4, client: "Fluentd: its library ruby-kafka", version: "–", setting: exampleSettings}, func(t *testing.T, r *row) error {
		if exec.Command("ruby", "-e", "require 'kafka'").Run() == nil {
			t.Fatal("this machine has ruby-kafka, but the test of Fluentd's settings is not written")
		}
		return errors.New("Debian has neither fluentd nor ruby-kafka")
	})
}
