package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"out_sls_kafka/test/sls"
)

const root = "../.."

// Every configuration that the project shows must pass, warnings included.
func TestExamples(t *testing.T) {
	dir := diskDir(t)
	write := func(name, text string) (path string) {
		path = filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	library := write("out_sls_kafka.so", "")
	plugins := write("plugins.conf", strings.ReplaceAll(read(t, "deploy/container/plugins.conf"), "/fluent-bit/plugins/out_sls_kafka.so", library))
	write("add-none.yaml", read(t, "deploy/kubernetes/base/add-none.yaml"))
	secret := write("credentials", "demo-id#demo-secret\n")
	ca, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	authorities := write("ca.pem", string(ca.PEM()))
	// What the container's image and the pod's volumes hold is elsewhere here.
	here := strings.NewReplacer("/fluent-bit/etc/plugins.conf", plugins, "/etc/sls/credentials", secret, "/etc/ssl/certs/ca-bundle.crt", authorities, "/var/lib/fluent-bit/", dir+"/")

	examples := snippets(t)
	for _, file := range []string{"fluent-bit.conf.example", "deploy/container/fluent-bit.yaml", "deploy/kubernetes/base/fluent-bit.yaml"} {
		examples[file] = read(t, file)
	}
	for name, text := range examples {
		t.Run(name, func(t *testing.T) {
			format := ".conf"
			if strings.HasSuffix(name, ".yaml") {
				format = ".yaml"
			}
			path := write("fluent-bit"+format, here.Replace(text))
			arguments := []string{"-strict", "-c", path, "-e", "SLS_PROJECT=my-project", "-e", "SLS_LOGSTORE=my-logstore"}
			if strings.Contains(text, "${SLS_REGION}") || strings.Contains(text, "${SLS_REGION:-}") {
				arguments = append(arguments, "-e", "SLS_REGION=cn-hangzhou")
			} else {
				arguments = append(arguments, "-e", "SLS_KAFKA_ENDPOINT=my-project.cn-hangzhou.log.aliyuncs.com:10012")
			}
			if strings.Contains(text, "${SLS_PASSWORD}") {
				arguments = append(arguments, "-e", "SLS_PASSWORD=demo-id#demo-secret")
			}
			if report, status := diagnose(t, arguments...); status != statusFine {
				t.Errorf("status %d:\n%s\nof:\n%s", status, report, text)
			}
		})
	}
}

const document = "docs/tools.md"

// What the document shows of a run is what it prints.
func TestDocument(t *testing.T) {
	all := blocks(read(t, document))
	config, want := "", ""
	for i, block := range all {
		if strings.HasPrefix(block, "[SERVICE]") {
			config, want = block, all[i+1]
		}
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("shop.conf", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	execute(t.Context(), []string{"-c", "shop.conf"}, func(string) string { return "" }, &out, &out)
	if out.String() != want {
		t.Errorf("%s shows:\n%s\nit prints:\n%s", document, want, out.String())
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// snippets are the configurations in the documents, fenced or indented, by document and number.
func snippets(t *testing.T) map[string]string {
	t.Helper()
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, path := range append(documents, filepath.Join(root, "README.md")) {
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		if name == document {
			continue // shows what is wrong
		}
		for i, block := range blocks(read(t, name)) {
			file := filepath.ToSlash(name) + " block " + string(rune('a'+i))
			switch {
			case strings.Contains(block, "[OUTPUT]\n") && strings.Contains(block, "sls_kafka\n"):
				found[file+".conf"] = block
			case strings.Contains(block, "outputs:\n") && strings.Contains(block, "name: sls_kafka\n") && strings.HasPrefix(block, "pipeline:"):
				found[file+".yaml"] = block
			}
		}
	}
	moved, err := filepath.Glob(filepath.Join(root, "test/interop/migrate/*.sls_kafka.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range moved {
		found[filepath.Base(path)] = read(t, filepath.Join("test/interop/migrate", filepath.Base(path)))
	}
	if len(found) < 8 {
		t.Fatalf("only %d configurations in the documents", len(found))
	}
	return found
}

// blocks are the fenced blocks of a document, and the paragraphs that are indented by four blanks.
func blocks(text string) (all []string) {
	var block strings.Builder
	end := func() {
		if block.Len() > 0 {
			all = append(all, block.String())
		}
		block.Reset()
	}
	fenced := false
	for line := range strings.Lines(text) {
		indented, isIndented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			end()
			fenced = !fenced
		case fenced:
			block.WriteString(line)
		case isIndented:
			block.WriteString(indented)
		case strings.TrimSpace(line) == "" && block.Len() > 0:
			block.WriteString(line)
		default:
			end()
		}
	}
	end()
	return all
}
