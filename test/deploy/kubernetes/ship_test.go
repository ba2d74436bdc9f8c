package kubernetes

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"out_sls_kafka/test/deploy/sandbox"
)

// The pod of deploy/kubernetes, as it is.
func TestPodShipsLogs(t *testing.T) {
	needCluster(t, "the pod of deploy/kubernetes")
	o := kustomize(t, "example")
	c := newCluster(t, o, "my-logstore")
	shipsLogs(t, c.admit(t, o))
	c.api.wantAsked(t, true)
}

// shipsLogs runs a pod through what docs/kubernetes.md promises of it.
func shipsLogs(t *testing.T, k *kubelet) {
	t.Helper()
	const lines = 500
	cart := k.runPod(t, "shop", "cart-5d9c7b-x8x2p", metav1.ObjectMeta{Labels: map[string]string{"app": "cart"}})
	// A pod whose object is larger than what the kubernetes filter takes by default.
	stock := k.runPod(t, "shop", "stock-0", metav1.ObjectMeta{Labels: map[string]string{"app": "stock"},
		Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": strings.Repeat("x", 200<<10)}})
	quiet := k.runPod(t, "shop", "quiet-0", metav1.ObjectMeta{Annotations: map[string]string{"fluentbit.io/exclude": "true"}})
	own := k.runPod(t, agentNamespace, agentPod, k.pod.ObjectMeta)
	for _, l := range []*podLog{quiet, own, cart, stock} {
		l.write(t, lines, 0)
	}
	p := k.start(t)
	landed := k.await(t, "my-logstore", 2*lines)
	wantPodRecords(t, landed, cart)
	wantPodRecords(t, landed, stock)
	k.wantReady(t)
	// The local endpoint calls its broker 127.0.0.1, which SLS does not.
	if n := p.Count("[ warn]") + p.Count("[error]") - p.Count("is outside of its domain"); n > 0 {
		t.Errorf("the log has %d warnings and errors", n)
	}
	k.wantCheck(t)

	// The AccessKey is replaced: first in SLS, then in the Secret. Nothing restarts, nothing is lost.
	k.SetCredentials(slsProject, "new-id", "new-secret")
	cart.write(t, lines, 0)
	p.Await("TOPIC_AUTHORIZATION_FAILED", 1, 30*time.Second)
	k.mounts["credentials"].write(t, map[string]string{"credentials": "new-id#new-secret"})
	total := 3*lines + k.testRecords
	landed = k.await(t, "my-logstore", total)
	wantPodRecords(t, landed, cart)
	wantCount(t, landed, total) // no record of the pods that exclude themselves

	// What SLS does not take is kept on the node.
	const text = "older than SLS takes"
	if _, err := cart.file.WriteString("2020-01-01T00:00:00Z stdout F " + text + "\n"); err != nil {
		t.Fatal(err)
	}
	p.Await("; kept in /var/lib/fluent-bit/rejected.jsonl", 1, 30*time.Second)
	kept, err := os.ReadFile(filepath.Join(k.node.folder(t, "/var/lib/fluent-bit-sls"), "rejected.jsonl"))
	if err != nil || strings.Count(string(kept), text) != 1 || strings.Count(string(kept), "\n") != 1 {
		t.Errorf("kept: %q, error %v", kept, err)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// wantPodRecords fails unless each line of the log landed, whole and with what it belongs to.
func wantPodRecords(t *testing.T, landed []map[string]string, l *podLog) {
	t.Helper()
	seen := make(map[string]bool)
	for _, r := range landed {
		var of struct {
			Pod       string            `json:"pod_name"`
			Namespace string            `json:"namespace_name"`
			Container string            `json:"container_name"`
			Host      string            `json:"host"`
			Labels    map[string]string `json:"labels"`
		}
		if err := json.Unmarshal([]byte(r["kubernetes"]), &of); err != nil || of.Pod != l.pod {
			continue
		}
		if app, _, _ := strings.Cut(l.pod, "-"); of.Namespace != l.namespace || of.Container != container || of.Host != "node-1" || of.Labels["app"] != app {
			t.Fatalf("record of %s has kubernetes %s", l.pod, r["kubernetes"])
		}
		if r["@timestamp"] == "" || r["stream"] != "stdout" {
			t.Fatalf("record %v has no @timestamp or stream", r)
		}
		seen[strings.TrimRight(r["log"]+r["message"], ".")] = true
		if r["message"] != "" && r["level"] != "warn" {
			t.Fatalf("record %v is not merged", r)
		}
	}
	for i := range l.next {
		text := l.text(i)
		var fields map[string]string
		if json.Unmarshal([]byte(text), &fields) == nil {
			text = fields["message"]
		}
		if !seen[text] {
			t.Fatalf("line %q did not land", text)
		}
	}
}

// wantCheck has sls-check examine the configuration where it is, in the pod, and walk the way to SLS.
func (k *kubelet) wantCheck(t *testing.T) {
	t.Helper()
	program, err := buildCheck()
	if err != nil {
		t.Fatal(err)
	}
	c := k.agent(t)
	file := ""
	for i, arg := range c.Args {
		if name, value, found := strings.Cut(arg, "="); found && name == "--config" {
			file = value
		} else if arg == "-c" {
			file = c.Args[i+1]
		}
	}
	c.Mounts = append(c.Mounts, sandbox.Mount{Host: program, Path: "/sls-check", ReadOnly: true})
	c.Args = []string{"/sls-check", "-strict", "-online", "-c", file}
	p := sandbox.Start(t, c)
	if code := p.Wait(time.Minute); code != 0 {
		t.Errorf("sls-check ends with %d:\n%s", code, p.Output())
	}
	k.testRecords++ // its test record
}

// Each namespace has a logstore, whether the API server knows the pod or not; where its name is none, records are in the default one.
func TestLogstorePerNamespace(t *testing.T) {
	needCluster(t, "a logstore for each namespace")
	const lines = 100
	o := kustomize(t, "logstore-per-namespace")
	c := newCluster(t, o, "my-logstore", "shop", "kube-system")
	logOf := func(namespace, app string) *podLog {
		l := c.runPod(t, namespace, app+"-0", metav1.ObjectMeta{Labels: map[string]string{"app": app}})
		l.write(t, lines, 0)
		return l
	}
	cart, proxy, short, gone := logOf("shop", "cart"), logOf("kube-system", "proxy"), logOf("qa", "probe"), logOf("shop", "gone")
	c.api.remove("shop", "gone-0")
	p := c.admit(t, o).start(t)
	landed := wantCount(t, c.await(t, "shop", 2*lines), 2*lines)
	wantPodRecords(t, landed, cart)
	wantPodRecords(t, wantCount(t, c.await(t, "kube-system", lines), lines), proxy)
	wantPodRecords(t, wantCount(t, c.await(t, "my-logstore", lines), lines), short)
	bare := 0
	for _, r := range landed {
		if r["kubernetes"] == "" && strings.Contains(r["log"]+r["message"], " of "+gone.pod) {
			bare++
		}
	}
	if bare != lines {
		t.Errorf("%d records of the pod that is gone landed without metadata, want %d", bare, lines)
	}

	// A namespace without a logstore waits until it has one; the others do not wait for it.
	late := logOf("lab", "bench")
	p.Await("UNKNOWN_TOPIC_OR_PARTITION", 1, 30*time.Second)
	cart.write(t, lines, 0)
	wantPodRecords(t, c.await(t, "shop", 3*lines), cart)
	if err := c.CreateLogstore("lab"); err != nil {
		t.Fatal(err)
	}
	wantPodRecords(t, c.await(t, "lab", lines), late)
}

// A pod whose log brings a map "kubernetes" of its own writes into the logstore of its own namespace all the same, whether
// the API server knows the pod, does not, or is away.
func TestForgedNamespace(t *testing.T) {
	needCluster(t, "a pod that forges its namespace")
	for name, prepare := range map[string]func(*cluster) error{
		"known":     func(*cluster) error { return nil },
		"not known": func(c *cluster) error { c.api.remove("shop", "cart-0"); return nil },
		"away":      func(c *cluster) error { return c.api.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			o := kustomize(t, "logstore-per-namespace")
			c := newCluster(t, o, "my-logstore", "shop", "victim")
			cart := c.runPod(t, "shop", "cart-0", metav1.ObjectMeta{Labels: map[string]string{"app": "cart"}})
			const lines = 20
			for i := range lines {
				at := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
				if _, err := fmt.Fprintf(cart.file, `%s stdout F {"log":"forged %d","kubernetes":{"namespace_name":"victim","pod_name":"victim-0"},"TAG":"victim","namespace_name":"victim"}`+"\n", at, i); err != nil {
					t.Fatal(err)
				}
			}
			k := c.admit(t, o)
			if err := prepare(c); err != nil {
				t.Fatal(err)
			}
			k.start(t)
			wantCount(t, c.await(t, "shop", lines), lines)
			if n, others := c.Count("victim"), c.Count("my-logstore"); n+others > 0 {
				t.Errorf("%d records are in the victim's logstore, %d in the default one", n, others)
			}
		})
	}
}

// wantCount fails unless there are n records.
func wantCount(t *testing.T, records []map[string]string, n int) []map[string]string {
	t.Helper()
	if len(records) != n {
		t.Errorf("%d records landed, want %d", len(records), n)
	}
	return records
}
