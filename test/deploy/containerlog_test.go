package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// node is the folders of a Kubernetes node that a log agent sees.
type node struct {
	dir string
}

func newNode(t testing.TB) *node {
	t.Helper()
	n := &node{t.TempDir()}
	for _, dir := range []string{"/var/log/containers", "/var/log/pods"} {
		if err := os.MkdirAll(n.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// path is where a path of the node is on this machine.
func (n *node) path(path string) string { return filepath.Join(n.dir, path) }

// containerLog is the log file of a container as the kubelet lays it out: the file in /var/log/pods, a link to it in
// /var/log/containers (Kubernetes, pkg/kubelet/kuberuntime/legacy.go).
type containerLog struct {
	namespace, pod, container, id string

	file *os.File
	next int
}

// podUID is the same for all: nothing depends on it.
const podUID = "0b1a3c1e-5b1c-4c59-9d0a-9d7fbc4c2a11"

func (n *node) containerLog(t testing.TB, namespace, pod, container string) *containerLog {
	t.Helper()
	l := &containerLog{namespace: namespace, pod: pod, container: container, id: strings.Repeat("0123456789abcdef", 4)}
	dir := fmt.Sprintf("/var/log/pods/%s_%s_%s/%s", namespace, pod, podUID, container)
	if err := os.MkdirAll(n.path(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.file, err = os.OpenFile(n.path(dir+"/0.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.file.Close() })
	if err := os.Symlink(dir+"/0.log", n.path("/var/log/containers/"+l.linkName())); err != nil {
		t.Fatal(err)
	}
	return l
}

// dockerLog is a log file as Docker lays it out, without Kubernetes.
func (n *node) dockerLog(t testing.TB) *containerLog {
	t.Helper()
	l := &containerLog{namespace: "docker", pod: "web"}
	dir := n.path("/var/lib/docker/containers/4f5e6d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.file, err = os.Create(filepath.Join(dir, "4f5e6d-json.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.file.Close() })
	return l
}

func (l *containerLog) linkName() string {
	return fmt.Sprintf("%s_%s_%s-%s.log", l.pod, l.namespace, l.container, l.id)
}

// lineTime is the time of line i of every log: in the past, and its own.
func lineTime(i int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 1001001 * time.Nanosecond)
}

// text is what the application wrote as its line i: text, and every tenth time a JSON object.
func (l *containerLog) text(i int) string {
	text := fmt.Sprintf("%s line %d of %s", l.namespace, i, l.pod)
	if i%10 == 0 {
		return fmt.Sprintf(`{"level":"warn","number":%d,"message":%q}`, i, text)
	}
	return text
}

// stream is where line i was written to.
func (l *containerLog) stream(i int) string {
	if i%10 == 0 {
		return "stderr"
	}
	return "stdout"
}

// cut says whether the runtime cut line i in two, as it does with long ones.
func (l *containerLog) cut(i int) bool { return i%7 == 3 }

// writeCRI appends n lines in the form of the CRI (Kubernetes, pkg/kubelet/kuberuntime/logs/logs.go).
func (l *containerLog) writeCRI(t testing.TB, n int) {
	t.Helper()
	l.write(t, n, func(b []byte, i int, text string, whole bool) []byte {
		mark := "P"
		if whole {
			mark = "F"
		}
		return fmt.Appendf(b, "%s %s %s %s\n", lineTime(i).Format("2006-01-02T15:04:05.000000000Z07:00"), l.stream(i), mark, text)
	})
}

// writeDocker appends n lines in the form of Docker's json-file driver.
func (l *containerLog) writeDocker(t testing.TB, n int) {
	t.Helper()
	l.write(t, n, func(b []byte, i int, text string, whole bool) []byte {
		if whole {
			text += "\n"
		}
		return fmt.Appendf(b, `{"log":%s,"stream":%q,"time":%q}`+"\n", quote(text), l.stream(i), lineTime(i).Format(time.RFC3339Nano))
	})
}

func quote(s string) []byte {
	b, _ := json.Marshal(s) // of a string, never fails
	return b
}

// write appends n lines; form appends a line, or a part of one, to b as the runtime writes it.
func (l *containerLog) write(t testing.TB, n int, form func(b []byte, i int, text string, whole bool) []byte) {
	t.Helper()
	var b []byte
	for end := l.next + n; l.next < end; l.next++ {
		text := l.text(l.next)
		if l.cut(l.next) {
			b, text = form(b, l.next, text[:9], false), text[9:]
		}
		b = form(b, l.next, text, true)
	}
	if _, err := l.file.Write(b); err != nil {
		t.Fatal(err)
	}
}
