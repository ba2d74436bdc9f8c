package run

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// ErrNoFluentBit says that this machine has no Fluent Bit.
var ErrNoFluentBit = errors.New("no fluent-bit on PATH and FLUENT_BIT not set")

// FluentBit finds Fluent Bit: the program that FLUENT_BIT names, else fluent-bit on PATH. The error is [ErrNoFluentBit]
// where there is none, and another where FLUENT_BIT names what cannot be run.
func FluentBit() (path string, err error) {
	if named := os.Getenv("FLUENT_BIT"); named != "" {
		if path, err = exec.LookPath(named); err != nil {
			return "", fmt.Errorf("FLUENT_BIT must name the program Fluent Bit: %w", err)
		}
		return path, nil
	}
	if path, err = exec.LookPath("fluent-bit"); err != nil {
		return "", ErrNoFluentBit
	}
	return path, nil
}

// Version is the first line that path --version prints.
func Version(path string) (string, error) {
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line, nil
}

// FluentBits are the programs that FLUENT_BITS names, separated by commas or colons, and without it the one of
// [FluentBit]. Errors are as there.
func FluentBits() (paths []string, err error) {
	named := strings.FieldsFunc(os.Getenv("FLUENT_BITS"), func(r rune) bool { return r == ',' || r == ':' })
	if len(named) == 0 {
		path, err := FluentBit()
		if err != nil {
			return nil, err
		}
		return []string{path}, nil
	}
	for _, name := range named {
		path, err := exec.LookPath(strings.TrimSpace(name))
		if err != nil {
			return nil, fmt.Errorf("FLUENT_BITS must name programs Fluent Bit: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
