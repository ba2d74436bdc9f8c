package kubernetes

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// The commands that make and replace the Secret, and those that deploy.
var (
	createsSecret = regexp.MustCompile(`kubectl -n (\S+) create secret generic (\S+) --from-file=(\S+)`)
	applies       = regexp.MustCompile(`kubectl (?:apply|delete) -([kf]) deploy/kubernetes/(\S+)`)
)

func document(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// byHand is what docs/kubernetes.md has a person make: the keys of each Secret.
func byHand(t testing.TB) map[string][]string {
	t.Helper()
	secrets := make(map[string][]string)
	for _, c := range createsSecret.FindAllStringSubmatch(document(t), -1) {
		if c[1] != agentNamespace {
			t.Errorf("docs/kubernetes.md: a Secret in namespace %s: %s", c[1], c[0])
		}
		secrets[c[2]] = append(secrets[c[2]], filepath.Base(c[3]))
	}
	if len(secrets) != 1 {
		t.Fatalf("docs/kubernetes.md makes %d Secrets, want one", len(secrets))
	}
	return secrets
}

// What the document deploys is there.
func TestDocumentedCommands(t *testing.T) {
	found := make(map[string]bool)
	for _, c := range applies.FindAllStringSubmatch(document(t), -1) {
		if found[c[2]] = true; c[1] == "k" {
			kustomize(t, c[2])
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", c[2]))
		if err != nil {
			t.Fatal(err)
		}
		var o objects
		if err := o.add(text); err != nil || find[*corev1.Namespace](o, agentNamespace) == nil {
			t.Errorf("%s does not make the namespace %s: %v", c[0], agentNamespace, err)
		}
	}
	for _, want := range []string{"example", "logstore-per-namespace", "base/namespace.yaml"} {
		if !found[want] {
			t.Errorf("docs/kubernetes.md does not deploy %s", want)
		}
	}
}

// copied is deploy/kubernetes in a place where it can be changed, and the text of the example there.
func copied(t *testing.T) (dir, example string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "kubernetes")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "deploy", "kubernetes"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "example", "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(text)
}

func buildCopy(t *testing.T, dir, example string) objects {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "example", "kustomization.yaml"), []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := build(filepath.Join(dir, "example"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The lines that the example has as a comment make the Secret from a file, under a name that stays.
func TestSecretFromFile(t *testing.T) {
	dir, example := copied(t)
	before, generator, found := strings.Cut(example, "# secretGenerator:")
	if !found {
		t.Fatal("the example has no secretGenerator as a comment")
	}
	if err := os.WriteFile(filepath.Join(dir, "example", "credentials"), []byte(keyID+"#"+keySecret), 0o600); err != nil {
		t.Fatal(err)
	}
	o := buildCopy(t, dir, before+strings.ReplaceAll("# secretGenerator:"+generator, "# ", ""))
	if s := find[*corev1.Secret](o, "sls-credentials"); s == nil || string(s.Data["credentials"]) != keyID+"#"+keySecret {
		t.Errorf("Secret: %v", s)
	}
	for _, fault := range faults(o, nil) {
		t.Error(fault)
	}
}

// The patch that the document shows changes what it says.
func TestDocumentedPatch(t *testing.T) {
	_, patch, found := strings.Cut(document(t), "\n    patches:\n")
	if !found {
		t.Fatal("docs/kubernetes.md shows no patch")
	}
	patch, _, _ = strings.Cut(patch, "\n\n")
	dir, example := copied(t)
	o := buildCopy(t, dir, example+"\npatches:\n"+strings.ReplaceAll("\n"+patch, "\n    ", "\n"))
	if got := o.daemonSet(t).Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String(); got != "512Mi" {
		t.Errorf("limit of memory %s, want 512Mi", got)
	}
}

// The credentials file of the configuration is a key of the Secret where it is mounted.
func TestCredentialsAreMounted(t *testing.T) {
	o, secrets := kustomize(t, "example"), byHand(t)
	pod := o.daemonSet(t).Spec.Template.Spec
	for _, v := range pod.Volumes {
		if v.Secret == nil {
			continue
		}
		for _, m := range pod.Containers[0].VolumeMounts {
			file := regexp.MustCompile(`credentials_file: ` + regexp.QuoteMeta(m.MountPath) + `/(\S+)`)
			for _, c := range all[*corev1.ConfigMap](o) {
				if f := file.FindStringSubmatch(c.Data["fluent-bit.yaml"]); m.Name == v.Name && f != nil && slices.Contains(secrets[v.Secret.SecretName], f[1]) && m.SubPath == "" {
					return
				}
			}
		}
	}
	t.Error("no volume has the file that credentials_file names")
}
