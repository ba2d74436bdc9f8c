package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"out_sls_kafka/test/run"
)

// operatorCase is a configuration as an operator new to the plugin wrote it, and what he must read.
type operatorCase struct {
	name   string
	files  map[string]string // the first examined is main.conf or main.yaml
	says   []string
	not    []string
	status int // with -strict
}

const (
	goodService = "[SERVICE]\n    storage.path /var/lib/fb\n"
	goodTail    = "[INPUT]\n    Name tail\n    Path /var/log/a.log\n    Tag app.a\n    DB /var/lib/a.db\n    Skip_Long_Lines on\n    Buffer_Max_Size 4M\n    storage.type filesystem\n"
	goodOutput  = "[OUTPUT]\n    Name sls_kafka\n    Match app.*\n    project my-project\n    logstore web\n    region cn-hangzhou\n    Retry_Limit no_limits\n"
	yamlOutput  = "    - name: sls_kafka\n      match: '*'\n      project: my-project\n      logstore: web\n      region: cn-hangzhou\n      retry_limit: no_limits\n"
)

var operatorCases = []operatorCase{
	{name: "01 good, classic", files: map[string]string{"main.conf": goodService + "    Plugins_File plugins.conf\n" + goodTail + goodOutput, "plugins.conf": "[PLUGINS]\n    Path ./out_sls_kafka.so\n", "out_sls_kafka.so": ""},
		says: []string{"0 errors, 0 warnings, 0 notes"}},
	{name: "02 good, YAML", files: map[string]string{
		"main.yaml":     "env:\n  store: web\nincludes:\n  - conf.d/*.yaml\nservice:\n  storage.path: /var/lib/fb\npipeline:\n  inputs:\n    - name: dummy\n      tag: a\n      storage.type: filesystem\n      processors:\n        logs:\n          - name: content_modifier\n            action: insert\n            key: k\n            value: v\n",
		"conf.d/o.yaml": "pipeline:\n  outputs:\n" + strings.Replace(yamlOutput, "logstore: web", "logstore: ${store}", 1),
	}, says: []string{"0 errors, 0 warnings"}},
	{name: "03 slips of the pen", files: map[string]string{"main.conf": "[SERVICE]\n    storage.pth /var/lib/fb\n" + goodTail +
		"[OUTPUT]\n    Name sls_kafka\n    Match ap.*\n    projct my-project\n    logstore web\n    region cn-hangzhou\n    compresion gzip\n    retry_limt no_limits\n    linger 5\n    max_message_bytes 3M\n"},
		says: []string{"did you mean storage.path?", "did you mean project?", "did you mean compression?", "did you mean retry_limit?", "linger = \"5\"", "max_message_bytes = \"3M\"", "no input has a tag that Match ap.*"}, status: 2},
	{name: "04 variables that are missing", files: map[string]string{"main.conf": goodService + goodTail + strings.Replace(goodOutput, "logstore web", "logstore ${NO_STORE}", 1)},
		says: []string{"NO_STORE", "-e NO_STORE=value"}, status: 2},
	{name: "05 includes with a pattern, Daemon, reload with workers", files: map[string]string{
		"main.conf": "@INCLUDE conf.d/service.conf\n@INCLUDE conf.d/out-*.conf\n" + goodTail, "conf.d/service.conf": "[SERVICE]\n    storage.path /var/lib/fb\n    Daemon on\n    Hot_Reload on\n", "conf.d/out-1.conf": goodOutput + "    workers 2\n",
	}, says: []string{"Daemon is on", "workers, and hot_reload is on", "conf.d/service.conf:3: error", "conf.d/out-1.conf:8: warning"}, status: 2},
	{name: "06 two services, .json without JSON, endpoint of another project", files: map[string]string{"main.conf": goodService + "[SERVICE]\n    Flush 1\n" + goodTail +
		"[OUTPUT]\n    Name sls_kafka\n    Match *\n    project my-project\n    logstore web.json\n    parse_json off\n    endpoint other-project.cn-hangzhou.log.aliyuncs.com:10012\n    Retry_Limit no_limits\n"},
		says: []string{"parse_json", "other-project", "2 errors"}, status: 2},
	{name: "07 a list for path, upstream, retry_limit -1", files: map[string]string{"main.yaml": "service:\n  storage.path: /var/lib/fb\npipeline:\n  inputs:\n    - name: tail\n      tag: a\n      db: /var/lib/a.db\n      storage.type: filesystem\n      path: [/var/log/a.log, /var/log/b.log]\n  outputs:\n" +
		strings.Replace(yamlOutput, "no_limits", "-1", 1) + "      upstream: u.conf\n"},
		says: []string{"main.yaml:9: error: path of tail is a list", "Fluent Bit ends", "upstream is not an option", "Retry_Limit is not a number above 0"}, status: 2},
	{name: "08 YAML with a tab", files: map[string]string{"main.yaml": "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n\t- name: sls_kafka\n"}, says: []string{"main.yaml:5", "Fluent Bit refuses"}, status: 2},
	{name: "09 the built-in output", files: map[string]string{"main.conf": goodTail + "[OUTPUT]\n    Name kafka\n    Match *\n    Brokers a:1\n    Topics t\n"}, says: []string{"no output is sls_kafka; there is kafka"}, status: 2},
	{name: "10 options of the built-in output", files: map[string]string{"main.conf": goodService + goodTail + "[OUTPUT]\n    Name sls_kafka\n    Match *\n    Brokers a:1\n    Topics t\n    rdkafka.sasl.username p\n    rdkafka.sasl.password ${PW}\n"},
		says: []string{"brokers is not an option", "here it is endpoint", "here it is logstore", "here it is project", "here it is password"}, status: 2},
	{name: "11 an alias twice, files that are not there, a wrong accessor", files: map[string]string{"main.conf": goodService + goodTail + goodOutput + "    Alias a\n    tls_ca_file /nope/ca.pem\n" + goodOutput + "    Alias a\n    logstore_key $kubernetes['x\n    storage.total_limit_size 1G\n"},
		says: []string{"alias a is taken", "/nope/ca.pem", "logstore_key", "over 1G on disk the oldest chunks are dropped"}, status: 2},
	{name: "12 a list at the top", files: map[string]string{"main.yaml": "- PIPELINE:\n    INPUTS: []\n"}, says: []string{"main.yaml", "Fluent Bit refuses"}, status: 2},

	{name: "group_key behind filters that forget groups", files: map[string]string{"main.conf": goodService + "[INPUT]\n    Name opentelemetry\n    storage.type filesystem\n[FILTER]\n    Name modify\n    Match *\n    Add a b\n[FILTER]\n    Name grep\n    Match *\n    Regex a b\n[FILTER]\n    Name nest\n    Match other\n    Operation nest\n" +
		strings.Replace(goodOutput, "app.*", "*", 1) + "    group_key group\n"}, says: []string{"filter modify takes records out of their groups", "filter nest"}, not: []string{"filter grep"}, status: 1},
	{name: "group_key behind a filter for others", files: map[string]string{"main.conf": goodService + goodTail + "[FILTER]\n    Name modify\n    Match other.*\n    Add a b\n" + goodOutput + "    group_key group\n"}, not: []string{"groups"}},
}

// The configurations of an operator who tried the plugin for the first time: the right finding, the right status.
func TestOperators(t *testing.T) {
	for _, c := range operatorCases {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFiles(t, c.files)
			t.Chdir(dir)
			main := "main.conf"
			if _, yaml := c.files["main.yaml"]; yaml {
				main = "main.yaml"
			}
			report, status := diagnose(t, "-strict", "-c", main)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			for _, want := range c.says {
				if !strings.Contains(report, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			for _, other := range c.not {
				if strings.Contains(report, other) {
					t.Errorf("it says %q", other)
				}
			}
			if t.Failed() {
				t.Log(report)
			}
		})
	}
}

// A file has one name in a report, however the configuration and the command line name it.
func TestOneNameForAFile(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"c/main.conf":           "@INCLUDE conf.d/service.conf\n@INCLUDE conf.d/out-*.conf\n@INCLUDE " + "DIR/c/conf.d/in.conf\n",
		"c/conf.d/service.conf": "[SERVICE]\n    Daemon on\n", "c/conf.d/out-1.conf": goodOutput + "    mach *\n", "c/conf.d/in.conf": "[INPUT]\n    Name tail\n    Tag app.a\n",
	})
	text, err := os.ReadFile(filepath.Join(dir, "c/main.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "c/main.conf"), []byte(strings.ReplaceAll(string(text), "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ cwd, main, prefix string }{
		{dir, "c/main.conf", "c/"}, {dir, "./c/main.conf", "c/"}, {dir, filepath.Join(dir, "c/main.conf"), "c/"},
		{filepath.Join(dir, "c"), "main.conf", ""}, {t.TempDir(), filepath.Join(dir, "c/main.conf"), dir + "/c/"},
	} {
		t.Chdir(c.cwd)
		report, _ := diagnose(t, "-c", c.main)
		for _, want := range []string{"conf.d/service.conf:2: error: Daemon", "conf.d/out-1.conf:8: warning: mach is not", "conf.d/in.conf:1: warning: input tail"} {
			if !strings.Contains("\n"+report, "\n"+c.prefix+want) {
				t.Errorf("-c %s: no line that begins %q:\n%s", c.main, c.prefix+want, report)
			}
		}
	}
}

func writeFiles(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Fluent Bit ends at a list where a key may stand once, and goes on where it may be repeated.
func TestListsAsFluentBit(t *testing.T) {
	fluentBit := run.NeedFluentBit(t, "that it ends at a list of paths")
	for list, want := range map[string]string{"path: [a.log, b.log]": "path of tail is a list", "multiline.parser: [docker, cri]\n      path: a.log": ""} {
		text := "pipeline:\n  inputs:\n    - name: dummy\n      tag: d\n    - name: tail\n      tag: a\n      " + list + "\n  outputs:\n"
		dir := writeFiles(t, map[string]string{"ours.yaml": text + yamlOutput, "fb.yaml": text + "    - name: stdout\n      match: '*'\n"})
		report, status := diagnose(t, "-c", filepath.Join(dir, "ours.yaml"))
		if ends := want != ""; (status == statusErrors) != ends || !strings.Contains(report, want) {
			t.Errorf("%s: status %d:\n%s", list, status, report)
		}
		p := run.StartTest(t, run.Command{Path: fluentBit, Args: []string{"-c", filepath.Join(dir, "fb.yaml")}, Dir: dir})
		if want == "" {
			p.Await("{\"message\"=>\"dummy\"}", 1, limit)
			continue
		}
		if code := p.Wait(limit); code == 0 {
			t.Errorf("%s: Fluent Bit ended well:\n%s", list, p.Output())
		}
	}
}

// Credentials with a hidden mistake, which SLS would only ever answer with a refusal.
func TestHiddenMistakesInCredentials(t *testing.T) {
	const pair = "demo-id#not-to-be-shown"
	for name, c := range map[string]struct {
		file   string            // content of credentials_file
		option string            // lines of the section
		env    map[string]string // instead of the usual pair
		says   string
		status int
	}{
		"one line":                     {file: pair + "\n"},
		"the end of a line of Windows": {file: pair + "\r\n"},
		"a byte order mark":            {file: "\ufeff" + pair, says: "begins with a byte order mark", status: 2},
		"in quotes":                    {file: `"` + pair + `"`, says: "in quotes", status: 2},
		"a second line":                {file: pair + "\n# rotated\n", says: "more than one line", status: 2},
		"no #":                         {file: "demo-id:not-to-be-shown", says: "not of the form id#secret", status: 2},
		"quotes in the environment":    {env: map[string]string{"SLS_ACCESS_KEY_ID": "demo-id", "SLS_ACCESS_KEY_SECRET": `"not-to-be-shown"`}, says: "in quotes", status: 2},
		"an id in quotes there":        {env: map[string]string{"SLS_ACCESS_KEY_ID": "'demo-id'", "SLS_ACCESS_KEY_SECRET": "not-to-be-shown"}, says: "in quotes", status: 2},
		"a temporary pair":             {option: "    access_key_id STS.NUabc\n    access_key_secret not-to-be-shown\n    security_token x\n", says: "temporary pair (STS)", status: 2},
		"a temporary pair in a file":   {file: "STS.NUabc#not-to-be-shown", says: "temporary pair (STS)", status: 2},
		"a token alone":                {option: "    security_token x\n", says: "security_token is not an option", status: 1},
	} {
		t.Run(name, func(t *testing.T) {
			text := goodService + goodTail + goodOutput + c.option
			if c.file != "" {
				text += "    credentials_file " + writeFile(t, "credentials", c.file) + "\n"
			}
			environment := credentials
			if c.env != nil {
				environment = func(name string) string { return c.env[name] }
			}
			var out, errs strings.Builder
			status := execute(t.Context(), []string{"-strict", "-c", writeFile(t, "fluent-bit.conf", text)}, environment, &out, &errs)
			if status != c.status || !strings.Contains(out.String(), c.says) || strings.Contains(out.String(), "not-to-be-shown") {
				t.Errorf("status %d, want %d and %q:\n%s%s", status, c.status, c.says, out.String(), errs.String())
			}
		})
	}
}
