package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"out_sls_kafka/test/example"
	"out_sls_kafka/test/sls"
)

// host is the program that loads the plugin.
type host struct {
	name   string
	path   string
	args   []string
	plugin string
}

// findHost finds Fluent Bit by FLUENT_BIT or PATH, else builds the bundled host.
func findHost(dir, plugin string) (*host, error) {
	plugin, err := filepath.Abs(plugin)
	if err != nil {
		return nil, err
	}
	path := os.Getenv("FLUENT_BIT")
	if path == "" {
		path, _ = exec.LookPath("fluent-bit")
	}
	if path != "" {
		version, err := exec.Command(path, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("%s --version: %w", path, err)
		}
		name, _, _ := strings.Cut(string(version), "\n")
		return &host{name: name + " (" + path + ")", path: path, plugin: plugin}, nil
	}
	path = filepath.Join(dir, "host")
	sources, err := filepath.Glob("test/host/src/*.c")
	if err != nil {
		return nil, err
	}
	args := append([]string{"-O1", "-rdynamic", "-o", path}, sources...)
	if out, err := exec.Command("cc", append(args, "-ldl", "-lpthread")...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the bundled host: %w\n%s", err, out)
	}
	return &host{name: "bundled host (no fluent-bit on PATH)", path: path, args: []string{"-n"}, plugin: plugin}, nil
}

// process is a running host.
type process struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	output bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

// start runs the host on fluent-bit.conf.example, with the lines as its log.
func (h *host) start(dir string, lines []string, e *sls.Endpoint) (*process, error) {
	text, err := os.ReadFile("fluent-bit.conf.example")
	if err != nil {
		return nil, err
	}
	ca, log, conf := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "app.log"), filepath.Join(dir, "fluent-bit.conf")
	config, err := example.Config(string(text), e.Addr(), ca)
	if err != nil {
		return nil, err
	}
	for name, content := range map[string]string{conf: config, ca: string(e.CAPEM()), log: strings.Join(lines, "\n") + "\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	p := &process{cmd: exec.Command(h.path, append([]string{"-e", h.plugin, "-c", conf}, h.args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.Env = append(os.Environ(), "SLS_PROJECT="+project, "SLS_LOGSTORE="+logstore,
		"SLS_ACCESS_KEY_ID=demo-id", "SLS_ACCESS_KEY_SECRET=demo-secret", "LOG_PATH="+log, "STORAGE_PATH="+filepath.Join(dir, "storage"))
	if err := os.Mkdir(filepath.Join(dir, "storage"), 0o700); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// stop ends the host as a service manager does, and returns what it printed.
func (p *process) stop() (string, error) {
	// The bundled host may have ended by itself; then there is nothing to signal.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(limit, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String(), err
}
