package run

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What make test says that it leaves out is all that tests and is not in it.
func TestMakeTestSaysWhatItLeavesOut(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(text), "\ntest:\n")
	recipe, _, _ = strings.Cut(recipe, "\n\n")
	for _, target := range regexp.MustCompile(`(?m)^(test-[a-z]+|sim|demo|fuzz|soak):`).FindAllStringSubmatch(string(text), -1) {
		if !regexp.MustCompile(`echo '.*\b` + target[1] + `\b`).MatchString(recipe) {
			t.Errorf("make test does not say that it leaves out %s", target[1])
		}
	}
}
