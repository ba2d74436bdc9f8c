package main

import (
	"os"
	"strings"
	"testing"
)

// The image and the release are built by one version of Go.
func TestDockerfileHasTheSameGo(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if want := "golang:" + strings.TrimPrefix(goVersion, "go") + "-"; !strings.Contains(string(text), want) {
		t.Errorf("the Dockerfile does not build with %s", want)
	}
}
