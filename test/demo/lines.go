package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"
)

const (
	sample   = "test/demo/sample.log"
	maxLines = 500
	maxBytes = 8192 // longer lines are left out: Fluent Bit's tail would cut them
)

// pickLines reads the lines to ship: of the named file, else of the first log
// of this machine that has some, else of the sample.
func pickLines(name string) (source string, lines []string, err error) {
	if name != "" {
		lines, err = readLines(name)
		return name, lines, err
	}
	for _, name := range []string{"/var/log/syslog", "/var/log/messages", "/var/log/dpkg.log", sample} {
		if lines, err = readLines(name); err == nil {
			return name, lines, nil
		}
	}
	return "", nil, err
}

func readLines(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() && len(lines) < maxLines {
		if line := s.Text(); line != "" && len(line) <= maxBytes && utf8.ValidString(line) {
			lines = append(lines, line)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(lines) == 0 {
		return nil, errors.New(name + " has no lines")
	}
	return lines, nil
}
