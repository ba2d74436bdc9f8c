package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// deployed are the configurations that this repository ships, and the variables that they get.
var deployed = map[string][]string{
	"../../deploy/container/fluent-bit.yaml":       {"-e", "SLS_LOGSTORE=web", "-e", "SLS_REGION=cn-hangzhou"},
	"../../deploy/kubernetes/base/fluent-bit.yaml": {"-e", "SLS_LOGSTORE=web", "-e", "SLS_REGION=cn-hangzhou"},
}

// What this repository ships passes, with nothing of the image here, and with all of it.
func TestRootOfDeployedFiles(t *testing.T) {
	plugins, err := os.ReadFile("../../deploy/container/plugins.conf")
	if err != nil {
		t.Fatal(err)
	}
	_, object, _ := strings.Cut(string(plugins), "Path")
	full := writeFiles(t, map[string]string{
		"fluent-bit/etc/plugins.conf": string(plugins), strings.TrimPrefix(strings.Fields(object)[0], "/"): "", "etc/sls/credentials": "id#not-to-be-shown\n",
	})
	for file, variables := range deployed {
		for root, notes := range map[string]bool{t.TempDir(): true, full: false} {
			report, status := diagnose(t, append([]string{"-strict", "-root", root, "-c", file}, variables...)...)
			if status != statusFine || !strings.Contains(report, "0 errors, 0 warnings") {
				t.Errorf("%s: status %d:\n%s", file, status, report)
			}
			if said := strings.Contains(report, "note: /fluent-bit/etc/plugins.conf is not below "+root); said != notes {
				t.Errorf("%s: it says that the Plugins_File is missing: %v\n%s", file, said, report)
			}
			if strings.Contains(report, "credentials is not below") != (notes && strings.Contains(file, "kubernetes")) {
				t.Errorf("%s, about the credentials:\n%s", file, report)
			}
		}
	}
}

// Files below the root are examined as on their own machine, and named as there.
func TestRoot(t *testing.T) {
	root := writeFiles(t, map[string]string{
		"etc/fb/main.conf": "@SET CHARS=x\n@INCLUDE /etc/fb/out.conf\n@INCLUDE /etc/fb/in-*.conf\n@INCLUDE /etc/fb/none.conf\n" + goodService + "    Plugins_File /etc/fb/plugins.conf\n",
		"etc/fb/out.conf":  goodOutput + "    credentials_file /etc/sls/pair\n    tls_ca_file /etc/ca.pem\n    dead_letter_file /var/lib/fb/rejected\n", "etc/fb/in-1.conf": goodTail,
		"etc/fb/plugins.conf": "[PLUGINS]\n    Path /opt/out_sls_kafka.so\n", "etc/sls/pair": "\ufeffid#not-to-be-shown",
	})
	report, status := diagnose(t, "-root", root, "-c", filepath.Join(root, "etc/fb/main.conf"))
	for _, want := range []string{
		"/etc/fb/none.conf is not below the root that was given, so it was not read", "/opt/out_sls_kafka.so is not below", "/etc/ca.pem is not below",
		"credentials_file", "begins with a byte order mark", "1 error, 0 warnings, 3 notes", "4 files",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if status != statusErrors || strings.Contains(report, "\""+root) {
		t.Errorf("status %d, or the root is in a value", status)
	}
	if t.Failed() {
		t.Log(report)
	}
	yaml := writeFiles(t, map[string]string{
		"main.yaml":     "env:\n  - name: store\n    uri: file:///run/store\n  - name: proj\n    uri: file:///run/none\nincludes:\n  - /conf/out.yaml\n  - /conf/none.yaml\npipeline:\n  inputs:\n    - name: dummy\n      tag: a\n      storage.type: filesystem\nservice:\n  storage.path: /x\n",
		"conf/out.yaml": "pipeline:\n  outputs:\n" + strings.Replace(yamlOutput, "logstore: web", "logstore: ${store}", 1), "run/store": "Wrong Name\n",
	})
	report, status = diagnose(t, "-root", yaml, "-c", filepath.Join(yaml, "main.yaml"))
	if status != statusErrors || !strings.Contains(report, "option logstore") || strings.Count(report, "is not below the root") != 2 {
		t.Errorf("status %d:\n%s", status, report)
	}
	var errs strings.Builder
	if status := execute(t.Context(), []string{"-root", root, "-online", "-c", "x"}, credentials, &errs, &errs); status != statusErrors || !strings.Contains(errs.String(), "-root is for a configuration of another machine") {
		t.Errorf("status %d: %s", status, errs.String())
	}
}
