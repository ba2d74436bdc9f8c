package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"out_sls_kafka/test/run"
)

// Container says what runs and what it sees.
type Container struct {
	Root         string // directory that holds the files of the image; what is missing for mounts is made there
	ReadOnlyRoot bool
	Mounts       []Mount
	Hosts        map[string]string // names in /etc/hosts, with their addresses
	Network      *Network          `json:"-"` // nil: without any

	Args []string // the program, by its path in the container, and its arguments
	Env  []string // all of the environment
	Dir  string   // to run in, by default /

	UID, GID        int
	Capabilities    bool  // keeps those that the test has; else none
	NoNewPrivileges bool  // allowPrivilegeEscalation: false
	MemoryLimit     int64 // bytes; 0 is none
}

// Mount is a file or directory of the host that a container sees.
type Mount struct {
	Host, Path string
	ReadOnly   bool
}

// Start starts the container's process; it is killed with the test.
func Start(t testing.TB, c Container) *run.TestProcess {
	t.Helper()
	needRoot(t)
	if err := c.prepare(t.TempDir()); err != nil {
		t.Fatalf("root of the container: %v", err)
	}
	plan := plan{Container: c}
	if c.Network != nil {
		plan.NetworkNamespace = c.Network.path
	}
	if c.MemoryLimit > 0 {
		plan.MemoryCgroup = memoryCgroup(t, c.MemoryLimit)
	}
	b, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return run.StartTest(t, run.Command{Path: self, Env: []string{planVariable + "=" + string(b)}})
}

// prepare writes the files that a runtime adds, into dir, and makes the places where something is mounted.
func (c *Container) prepare(dir string) error {
	if len(c.Args) == 0 {
		return errors.New("nothing to run")
	}
	hosts := "127.0.0.1 localhost\n"
	for name, address := range c.Hosts {
		hosts += address + " " + name + "\n"
	}
	c.Mounts = slices.Clone(c.Mounts)
	for path, text := range map[string]string{"/etc/hosts": hosts, "/etc/resolv.conf": ""} {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		c.Mounts = append(c.Mounts, Mount{file, path, true})
	}
	for _, m := range append(c.Mounts, systemMounts...) {
		if err := c.prepareMount(m); err != nil {
			return err
		}
	}
	return nil
}

// prepareMount makes the place where m will be.
func (c *Container) prepareMount(m Mount) error {
	info, err := os.Stat(m.Host)
	if err != nil {
		return err
	}
	at := filepath.Join(c.Root, m.Path)
	if info.IsDir() {
		return os.MkdirAll(at, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}
