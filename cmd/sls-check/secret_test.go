package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"out_sls_kafka/test/hostile"
)

// leaks name a variable TOKEN, or a file by the variable F, where a report may show it.
var leaks = map[string]string{
	"project and logstore": "      project: ${F}\n      logstore: ${TOKEN}\n      region: cn-hangzhou\n",
	"host of the project":  "      project: ${F}\n      logstore: web\n      endpoint: other.cn-hangzhou.log.aliyuncs.com\n",
	"endpoint":             "      project: demo-project\n      logstore: web\n      endpoint: ${F}\n",
	"endpoint and region":  "      project: demo-project\n      logstore: web\n      endpoint: ${TOKEN}\n      region: ${TOKEN}\n",
	"files":                "      project: demo-project\n      logstore: web\n      region: cn-hangzhou\n      tls_ca_file: ${F}\n      dead_letter_file: /no/${TOKEN}/x\n      credentials_file: ${F}\n",
	"accessor":             "      project: demo-project\n      logstore: web\n      region: cn-hangzhou\n      logstore_key: $a['${F}\n      message_key_field: $${TOKEN}\n",
	"alias":                "      project: demo-project\n      logstore: web\n      region: cn-hangzhou\n      alias: ${TOKEN}\n    - name: sls_kafka\n      alias: ${TOKEN}\n      match: '*'\n      project: demo-project\n      logstore: web\n      region: cn-hangzhou\n",
	"match":                "      match: x.${TOKEN}\n",
	"limits":               "      storage.total_limit_size: ${TOKEN}\n      workers: ${TOKEN}\n      retry_limit: ${F}\n",
	"plugin":               "    - name: ${F}\n      match: '*'\n",
	"short":                "      project: ${S}\n      logstore: ${S}\n      region: ${S}\n      compression: ${S}\n      logstore_key: ${S}['\n",
}

// A configuration of someone else shows neither the files nor the variables that it names.
func TestValuesOfOthersAreNotShown(t *testing.T) {
	t.Parallel()
	const token, short = "glpat-5eCReTtoKen", "5eCR!"
	dir := t.TempDir()
	secret := filepath.Join(dir, "shadow")
	if err := os.WriteFile(secret, []byte("root:$6$5ALT$hASh\"\t:19000:0:99999:7:::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := func(name string) string {
		return map[string]string{"TOKEN": token, "S": short, "SLS_ACCESS_KEY_ID": "demo-id", "SLS_ACCESS_KEY_SECRET": "demo-secret"}[name]
	}
	for name, options := range leaks {
		text := "env:\n  F: file://" + secret + "\npipeline:\n  inputs:\n    - name: dummy\n      tag: ${TOKEN}\n    - name: ${TOKEN}\n  outputs:\n"
		if !strings.HasPrefix(options, "    - ") {
			text += "    - name: sls_kafka\n"
			if !strings.HasPrefix(options, "      match") {
				text += "      match: '*'\n"
			}
		}
		var out, errOut strings.Builder
		execute(t.Context(), []string{"-c", writeFile(t, "leak.yaml", text+options)}, environment, &out, &errOut)
		report := out.String() + errOut.String()
		for _, part := range []string{token, short, "5ALT", "hASh"} {
			if strings.Contains(report, part) {
				t.Errorf("%s: %q is shown in\n%s", name, part, report)
			}
		}
		if !strings.Contains(report, "${TOKEN}") && !strings.Contains(report, "${F}") && !strings.Contains(report, "${S}") {
			t.Errorf("%s: no variable by its name in\n%s", name, report)
		}
	}
}

// A secret without a blank before it is a part of the key.
func TestSecretInKey(t *testing.T) {
	t.Parallel()
	report, _ := diagnose(t, "-c", writeFile(t, "fluent-bit.conf", ours+"    access_key_secret=not-to-be-shown x\n    password: not-to-be-shown\n    LTAI#not-to-be-shown x\n"))
	if !strings.Contains(report, "access_key_secret... is not an option") || !strings.Contains(report, "*** is not an option") {
		t.Errorf("report:\n%s", report)
	}
}

// No file is made, and none is opened for writing.
func TestNoDeadLetterFileIsMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "rejected.jsonl")
	link := filepath.Join(dir, "link.jsonl")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		diagnose(t, "-c", writeFile(t, "fluent-bit.conf", ours+"    dead_letter_file "+path+"\n"))
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("there are %v, %v", all, err)
	}
}

// The AccessKey of this shell goes to no broker that nobody has verified, unless the user says so; and where it goes is
// said before.
func TestAccessKeyStaysHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verify    string
		arguments []string
		sent      int
		want      string
	}{
		{"off", nil, 0, "SASL   failed   not tried: tls_verify is off"},
		{"off", []string{"-insecure"}, 1, "whose certificate nobody verifies"},
		{"on", nil, 1, "The AccessKey will be sent to 127.0.0.1:"},
	} {
		b, err := hostile.Start(hostile.Options{Mode: hostile.Find("harmless")})
		if err != nil {
			t.Fatal(err)
		}
		file, _ := outputOf(t, b, map[string]string{"tls_verify": c.verify})
		report, status := diagnose(t, append([]string{"-online", "-write=false", "-c", file}, c.arguments...)...)
		b.Close()
		if n := len(b.Passwords()); min(n, 1) != c.sent || (status == statusErrors) != (c.sent == 0) || !strings.Contains(report, c.want) {
			t.Errorf("tls_verify %s, %q: status %d, sent %d times, want %d, and %q in\n%s", c.verify, c.arguments, status, n, c.sent, c.want, report)
		}
	}
}

// What a broker says of the password is not shown.
func TestPasswordThatComesBack(t *testing.T) {
	t.Parallel()
	b, err := hostile.Start(hostile.Options{Mode: hostile.Find("refusal with the password")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	file, _ := outputOf(t, b, nil)
	if report, _ := diagnose(t, "-online", "-c", file); !strings.Contains(report, "SASL_AUTHENTICATION_FAILED") {
		t.Errorf("report:\n%s", report)
	}
}
