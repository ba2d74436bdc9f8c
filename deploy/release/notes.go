package main

import (
	"fmt"
	"os"
	"strings"
)

// notes is what CHANGELOG.md says of a version: the text below its heading.
func notes(version string) (string, error) {
	text, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return "", err
	}
	return section(string(text), version)
}

// section is the text of the heading "## version", which a date may follow, to the next of its kind.
func section(text, version string) (string, error) {
	var found strings.Builder
	in := false
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(heading), " ")
			in = name == version
			continue
		}
		if in {
			found.WriteString(line)
		}
	}
	if strings.TrimSpace(found.String()) == "" {
		return "", fmt.Errorf("CHANGELOG.md has no text below a heading \"## %s\"", version)
	}
	return strings.TrimSpace(found.String()) + "\n", nil
}
