package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files again")

// credentials are in the environment of every configuration here.
func credentials(name string) string {
	return map[string]string{"SLS_PROJECT": "my-project", "SLS_ACCESS_KEY_ID": "demo-id", "SLS_ACCESS_KEY_SECRET": "demo-secret"}[name]
}

// diagnose runs the command and returns what it prints.
func diagnose(t *testing.T, arguments ...string) (text string, status int) {
	t.Helper()
	var out, errOut bytes.Buffer
	status = execute(context.Background(), arguments, credentials, &out, &errOut)
	if errOut.Len() > 0 {
		t.Errorf("on standard error: %s", errOut.String())
	}
	for _, secret := range []string{"demo-secret", "not-to-be-shown"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("shows a secret:\n%s", out.String())
		}
	}
	return out.String(), status
}

// Each configuration of testdata has a golden file with its report and its exit status.
func TestReports(t *testing.T) {
	golden, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "parts", "out_sls_kafka.so"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	files, _ := filepath.Glob("*.conf")
	yaml, _ := filepath.Glob("*.yaml")
	if files = append(files, yaml...); len(files) < 14 {
		t.Fatalf("only %d configurations", len(files))
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			text, status := diagnose(t, "-c", file, "-strict")
			text += fmt.Sprintf("exit status with -strict: %d\n", status)
			path := filepath.Join(golden, file+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", text, want)
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		arguments string
		want      int
	}{
		{"-c testdata/no-input.yaml", statusFine},
		{"-c testdata/no-input.yaml -strict", statusFine},
		{"-c testdata/no-effect.yaml", statusFine},
		{"-c testdata/no-effect.yaml -strict", statusWarnings},
		{"-c testdata/refused.conf", statusErrors},
		{"-c testdata/none.conf", statusErrors},
	} {
		if _, status := diagnose(t, strings.Fields(c.arguments)...); status != c.want {
			t.Errorf("%s: status %d, want %d", c.arguments, status, c.want)
		}
	}
}

func TestWrongUse(t *testing.T) {
	for arguments, want := range map[string]string{
		"":                                 "which configuration",
		"none.conf":                        "the configuration needs -c before it",
		"testdata/fine.conf":               `"testdata/fine.conf": write -c before`,
		"-c a.conf -e A=b not-to-be-shown": "quotes around it",
		"-c -strict":                       `"-strict" for flag -c: want the name of a file`,
		"-c a.conf -c b.conf":              "one configuration at a time",
		"-c a.conf -e not-to-be-shown":     "name=value",
		"-c a.conf -e ./out_sls_kafka.so":  "a variable, not a plugin",
		"-c a.conf -e =not-to-be-shown":    "name=value",
		"-c a.conf -online=not-to-be-seen": "invalid boolean",
	} {
		var out, errOut bytes.Buffer
		status := execute(context.Background(), strings.Fields(arguments), credentials, &out, &errOut)
		if status != statusErrors || !strings.Contains(errOut.String(), want) || strings.Contains(errOut.String(), "not-to-be-shown") || out.Len() > 0 {
			t.Errorf("%q: status %d, %q, want %d and %q", arguments, status, errOut.String(), statusErrors, want)
		}
	}
}

// A variable given with -e counts like one of the environment, and before it.
func TestGivenVariable(t *testing.T) {
	text, status := diagnose(t, "-c", "testdata/no-effect.yaml", "-e", "TAG_KEY=tag", "-e", "SLS_ACCESS_KEY_ID=has#both")
	if status != statusErrors || !strings.Contains(text, "SLS_ACCESS_KEY_ID: it holds a #") || strings.Contains(text, "TAG_KEY") || strings.Contains(text, "has#both") {
		t.Errorf("status %d:\n%s", status, text)
	}
}

// The parser tries whether the dead letter file can be written; what it makes must not stay.
func TestDeadLetterFileIsNotMade(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rejected.jsonl")
	conf := filepath.Join(dir, "fluent-bit.conf")
	text := "[OUTPUT]\n    Name sls_kafka\n    Match *\n    project my-project\n    logstore web\n    region cn-hangzhou\n    Retry_Limit no_limits\n    dead_letter_file " + file + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if report, status := diagnose(t, "-c", conf); status != statusFine {
		t.Fatalf("status %d:\n%s", status, report)
	}
	if _, err := os.Lstat(file); err == nil {
		t.Error("the dead letter file was made")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	diagnose(t, "-c", conf)
	if _, err := os.Lstat(file); err != nil {
		t.Errorf("an empty dead letter file that was there is gone: %v", err)
	}
}
