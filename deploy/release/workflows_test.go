package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// The issue forms are what GitHub takes, and a problem cannot be reported without the output of sls-check.
func TestIssueForms(t *testing.T) {
	required := make(map[string]bool)
	for _, name := range []string{"problem.yml", "wish.yml"} {
		text, err := os.ReadFile(filepath.Join("../../.github/ISSUE_TEMPLATE", name))
		if err != nil {
			t.Fatal(err)
		}
		var form struct {
			Name, Description string
			Labels            []string
			Body              []struct {
				Type, ID    string
				Attributes  struct{ Label, Description, Placeholder, Render, Value string }
				Validations struct{ Required bool }
			}
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(text)))
		decoder.KnownFields(true)
		if err := decoder.Decode(&form); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, field := range form.Body {
			if field.Type != "markdown" && (field.ID == "" || field.Attributes.Label == "") {
				t.Errorf("%s: a field of type %s has no id or no label", name, field.Type)
			}
			required[name+" "+field.ID] = field.Validations.Required
		}
	}
	for _, id := range []string{"what", "check", "log", "versions"} {
		if !required["problem.yml "+id] {
			t.Errorf("problem.yml does not require %s", id)
		}
	}
}

// Each base image of the Dockerfile gets the digest that the inspector prints; anything else that it prints ends it.
func TestBasesAreResolved(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	out, err := exec.Command("./bases.sh", "sh", "-c", `echo `+digest).Output()
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"GO", "FLUENT_BIT", "BUSYBOX"} {
		m := regexp.MustCompile(`(?m)^ARG (` + name + `=\S+)$`).FindStringSubmatch(string(dockerfile))
		if m == nil || !strings.Contains("\n"+string(out), "\n"+m[1]+"@"+digest+"\n") {
			t.Errorf("%s is not resolved: %s", name, out)
		}
	}
	if n := strings.Count(string(out), "\n"); n != 3 {
		t.Errorf("%d arguments, want 3:\n%s", n, out)
	}
	for _, m := range regexp.MustCompile(`(?m)^FROM (?:--\S+ )*(\S+)`).FindAllStringSubmatch(string(dockerfile), -1) {
		if !slices.Contains([]string{"${GO}", "${FLUENT_BIT}", "${BUSYBOX}"}, m[1]) {
			t.Errorf("the base %s is none of the arguments", m[1])
		}
	}
	for _, inspector := range []string{"echo", "echo sha256:12", "false"} {
		if out, err := exec.Command("./bases.sh", strings.Fields(inspector)...).Output(); err == nil {
			t.Errorf("%s: it printed %q and ended without an error", inspector, out)
		}
	}
}
