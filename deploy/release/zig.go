package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// requirements pins the C compiler: Zig, as it is packaged for Python, by its version and the sums of its packages for
// Linux. It has the headers of every glibc and links against any of them.
//
//go:embed requirements.txt
var requirements string

// provideZig returns the path of the program zig below dir, and fetches it with pip where it is not there yet.
func provideZig(dir string) (string, error) {
	pin, _, _ := strings.Cut(requirements, " ")
	kept, err := filepath.Abs(filepath.Join(dir, strings.Replace(pin, "==", "-", 1)))
	if err != nil {
		return "", err
	}
	zig := filepath.Join(kept, "ziglang", "zig")
	if _, err := os.Stat(zig); err == nil {
		return zig, nil
	}
	fmt.Printf("fetching %s into %s\n", pin, kept)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(dir, "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := fetchZig(fresh); err != nil {
		return "", fmt.Errorf("fetch %s: %w", pin, err)
	}
	return zig, os.Rename(filepath.Join(fresh, "packages"), kept)
}

// fetchZig installs what is required into the directory packages of dir, by the pip of an environment of its own: that
// of the system may be missing, or may refuse.
func fetchZig(dir string) error {
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, []byte(requirements), 0o644); err != nil {
		return err
	}
	venv := filepath.Join(dir, "venv")
	if out, err := exec.Command("python3", "-m", "venv", venv).CombinedOutput(); err != nil {
		return fmt.Errorf("python3 -m venv (Debian: apt-get install python3-venv): %w\n%s", err, out)
	}
	pip := exec.Command(filepath.Join(venv, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-deps",
		"--require-hashes", "--only-binary=:all:", "--target", filepath.Join(dir, "packages"), "-r", list)
	if out, err := pip.CombinedOutput(); err != nil {
		return fmt.Errorf("pip install: %w\n%s", err, out)
	}
	return nil
}
