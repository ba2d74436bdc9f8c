package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"out_sls_kafka/test/run"
)

// bench is one run of everything.
type bench struct {
	plugin  string
	driver  *driver
	lines   int
	repeats int
	seconds int
	codecs  []string
	doc     string
	extra   string
	profile string

	dir    string
	log    string // the file of the pipeline, not always in dir
	builds run.Builds
}

func (b *bench) run(scenarios []string) (err error) {
	if b.plugin, err = filepath.Abs(b.plugin); err != nil {
		return err
	}
	if b.driver, err = findDriver(&b.builds); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "sls-kafka-bench"); err != nil {
		return err
	}
	var report strings.Builder
	fmt.Fprintf(&report, "\n## %s\n\n%s\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), b.surroundings())
	for _, name := range scenarios {
		scenario, ok := map[string]func() (string, error){"pipeline": b.pipeline, "paced": b.paced, "small": b.small, "stages": b.stages, "growth": b.growth, "trouble": b.trouble}[name]
		if !ok {
			return fmt.Errorf("scenario %q is unknown; there are pipeline, paced, small, stages, growth and trouble", name)
		}
		table, err := scenario()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(table)
		report.WriteString("\n" + table)
	}
	if b.doc == "" {
		return nil
	}
	f, err := os.OpenFile(b.doc, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(report.String())
	return errors.Join(err, f.Close())
}

func (b *bench) cleanUp() {
	b.builds.Close()
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
	if b.log != "" {
		os.Remove(b.log)
	}
}

// surroundings name the machine, the versions and the commit.
func (b *bench) surroundings() string {
	first := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).Output()
		if err != nil {
			return "unknown"
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return line
	}
	cpu := "unknown"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores; %s; %s; commit %s", cpu, runtime.NumCPU(), b.driver.name, runtime.Version(),
		first("git", "describe", "--always", "--dirty"))
}
