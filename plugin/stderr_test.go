package plugin

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A process goes on where nobody reads its standard error, be the reader gone
// or only slow: the plugin's lines are lost then. Run in a process of its own,
// which logs more than a pipe holds once its input has ended.
func TestStderrWithoutReader(t *testing.T) {
	t.Parallel()
	const role = "STDERR_WITHOUT_READER"
	if os.Getenv(role) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		log := NewLog(nil, "none")
		for range 100 {
			log.Errorf("%s", strings.Repeat("a line that nobody reads ", 100))
		}
		_, _ = io.WriteString(os.Stdout, "alive\n")
		return
	}
	for _, row := range []struct {
		name string
		gone bool
	}{
		{"the reader is gone", true},
		{"the reader does not read", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStderrWithoutReader$")
			cmd.Env, cmd.Stderr = append(os.Environ(), role+"=1"), write
			var stdout strings.Builder
			cmd.Stdout = &stdout
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			write.Close()
			if row.gone {
				read.Close()
			}
			stdin.Close()
			if err := cmd.Wait(); err != nil || !strings.HasPrefix(stdout.String(), "alive\n") {
				t.Errorf("the process ended with %v after %q", err, stdout.String())
			}
		})
	}
}
