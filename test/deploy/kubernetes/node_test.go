package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// node is the file system of a node.
type node struct{ dir string }

// folder makes a folder of the node and returns where it is on this machine.
func (n *node) folder(t testing.TB, path string) string {
	t.Helper()
	dir := filepath.Join(n.dir, path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// podLog is the log of a pod's container as the kubelet lays it out: the file in /var/log/pods, root's alone, and a link
// to it in /var/log/containers (Kubernetes, pkg/kubelet/kuberuntime/legacy.go).
type podLog struct {
	namespace, pod string
	file           *os.File
	next           int
	whole          bool // no line is written in parts
}

// container is the name of each pod's one container.
const container = "app"

// runPod makes a pod that the API server knows, with its log.
func (c *cluster) runPod(t testing.TB, namespace, pod string, meta metav1.ObjectMeta) *podLog {
	t.Helper()
	c.api.put(namespace, pod, meta)
	target := fmt.Sprintf("/var/log/pods/%s_%s_%s/%s", namespace, pod, podUID, container)
	file, err := os.OpenFile(filepath.Join(c.node.folder(t, target), "0.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	link := fmt.Sprintf("%s_%s_%s-%s.log", pod, namespace, container, strings.Repeat("0123456789abcdef", 4))
	if err := os.Symlink(target+"/0.log", filepath.Join(c.node.folder(t, "/var/log/containers"), link)); err != nil {
		t.Fatal(err)
	}
	return &podLog{namespace: namespace, pod: pod, file: file}
}

// podUID is the same for all: nothing depends on it.
const podUID = "0b1a3c1e-5b1c-4c59-9d0a-9d7fbc4c2a11"

// text is what the application wrote as its line i: text, and every tenth time a JSON object.
func (l *podLog) text(i int) string {
	text := fmt.Sprintf("%s line %d of %s", l.namespace, i, l.pod)
	if i%10 == 0 {
		return fmt.Sprintf(`{"level":"warn","message":%q}`, text)
	}
	return text
}

// write appends n lines, padded to a width, in the form of the CRI (Kubernetes, pkg/kubelet/kuberuntime/logs/logs.go).
// Every seventh is in two parts, as the runtime cuts long ones.
func (l *podLog) write(t testing.TB, n, width int) {
	t.Helper()
	var b []byte
	for end := l.next + n; l.next < end; l.next++ {
		text := l.text(l.next)
		if pad := width - len(text); pad > 0 && text[0] != '{' {
			text += strings.Repeat(".", pad)
		}
		at := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
		if l.next%7 == 3 && !l.whole {
			b = fmt.Appendf(b, "%s stdout P %s\n", at, text[:9])
			text = text[9:]
		}
		b = fmt.Appendf(b, "%s stdout F %s\n", at, text)
	}
	if _, err := l.file.Write(b); err != nil {
		t.Fatal(err)
	}
}
