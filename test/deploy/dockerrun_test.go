package deploy

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/shlex"
	"github.com/spf13/pflag"

	"out_sls_kafka/test/deploy/image"
	"out_sls_kafka/test/deploy/sandbox"
)

// dockerRun is what a command docker run says of the container.
type dockerRun struct {
	readOnly               bool
	drop, security         []string
	volumes, env, envFiles []string
	args                   []string
}

// dockerRuns are the commands docker run in docs/install.md.
func dockerRuns(t *testing.T) (commands []dockerRun) {
	t.Helper()
	text, err := os.ReadFile(project(t, "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("\\\n"), nil)
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "    docker run ") {
			continue
		}
		words, err := shlex.Split(line)
		if err != nil {
			t.Fatalf("docs/install.md: %v: %s", err, line)
		}
		var d dockerRun
		flags := pflag.NewFlagSet("docker run", pflag.ContinueOnError)
		flags.SetInterspersed(false)
		flags.BoolP("detach", "d", false, "")
		for _, ofEngine := range []string{"name", "restart", "stop-timeout"} {
			flags.String(ofEngine, "", "")
		}
		flags.BoolVar(&d.readOnly, "read-only", false, "")
		flags.StringArrayVar(&d.drop, "cap-drop", nil, "")
		flags.StringArrayVar(&d.security, "security-opt", nil, "")
		flags.StringArrayVarP(&d.volumes, "volume", "v", nil, "")
		flags.StringArrayVarP(&d.env, "env", "e", nil, "")
		flags.StringArrayVar(&d.envFiles, "env-file", nil, "")
		if err := flags.Parse(words[2:]); err != nil {
			t.Fatalf("docs/install.md: %v: %s", err, line)
		}
		d.args = flags.Args()[1:] // after the image
		commands = append(commands, d)
	}
	return commands
}

// container is what docker makes of the command, on a node: its folders are mounted from there, named volumes and the
// file with the AccessKey pair are the test's.
func (d dockerRun) container(t *testing.T, agent image.Image, s *service, n *node) sandbox.Container {
	t.Helper()
	c := sandbox.Container{Root: agent.Root, Network: s.network, Hosts: s.hosts, Args: agent.Command(d.args...), Env: d.env,
		ReadOnlyRoot: d.readOnly, Capabilities: !slices.Equal(d.drop, []string{"ALL"}),
		NoNewPrivileges: slices.Contains(d.security, "no-new-privileges")}
	if slices.Contains(d.envFiles, "access-key.env") {
		c.Env = append(c.Env, "SLS_ACCESS_KEY_ID="+keyID, "SLS_ACCESS_KEY_SECRET="+keySecret)
	}
	for _, v := range d.volumes {
		parts := strings.Split(v, ":")
		m := sandbox.Mount{Host: n.path(parts[0]), Path: parts[1], ReadOnly: len(parts) > 2 && parts[2] == "ro"}
		if !strings.HasPrefix(parts[0], "/") {
			m.Host = t.TempDir()
		}
		c.Mounts = append(c.Mounts, m)
	}
	return c
}
