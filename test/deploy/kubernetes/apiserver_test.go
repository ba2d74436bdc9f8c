package kubernetes

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/auth/rbac/validation"
)

// apiHost is where the kubernetes filter finds the API server.
const apiHost = "kubernetes.default.svc"

// token is that of the pod's service account.
const token = "token-of-fluent-bit"

// apiServer answers for the pods it was given, to those who may ask.
type apiServer struct {
	account *projection // the volume with its certificate and the token
	rules   []rbacv1.PolicyRule
	stop    func() error // from then on it is away

	mu      sync.Mutex
	pods    map[string]*corev1.Pod // by path
	refused []string
	asked   map[string]int // by path
}

// serveAPI starts an API server on the network, which grants the rules.
func (c *cluster) serveAPI(t testing.TB, rules []rbacv1.PolicyRule) {
	t.Helper()
	ca, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := ca.Issue([]string{apiHost}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	a := &apiServer{rules: rules, pods: make(map[string]*corev1.Pod), asked: make(map[string]int), account: &projection{dir: t.TempDir(), mode: 0o644}}
	a.account.write(t, map[string]string{"ca.crt": string(ca.PEM()), "token": token, "namespace": agentNamespace})
	var l net.Listener
	c.network.Do(func() { l, err = net.Listen("tcp", "127.0.0.1:443") })
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: a}
	go server.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	t.Cleanup(func() { server.Close() })
	a.stop = server.Close
	c.api, c.hosts[apiHost] = a, "127.0.0.1"
}

// put makes a pod known.
func (a *apiServer) put(namespace, name string, meta metav1.ObjectMeta) {
	a.mu.Lock()
	defer a.mu.Unlock()
	meta.Namespace, meta.Name, meta.UID = namespace, name, podUID
	a.pods["/api/v1/namespaces/"+namespace+"/pods/"+name] = &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: meta,
		Spec: corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: container, Image: "shop:1"}}},
	}
}

// remove makes a pod unknown again.
func (a *apiServer) remove(namespace, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pods, "/api/v1/namespaces/"+namespace+"/pods/"+name)
}

// ServeHTTP answers a GET of one object, as the API server does.
func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[r.URL.Path]++
	pod := a.pods[r.URL.Path]
	status := http.StatusOK
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token:
		status = http.StatusUnauthorized
	case !a.grants(r):
		status = http.StatusForbidden
	case pod == nil:
		status = http.StatusNotFound
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		a.refused = append(a.refused, r.Method+" "+r.URL.Path)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status == http.StatusOK {
		json.NewEncoder(w).Encode(pod)
		return
	}
	json.NewEncoder(w).Encode(metav1.Status{Status: metav1.StatusFailure, Code: int32(status), Message: http.StatusText(status)})
}

// grants says whether the rules allow a request for one object below /api/v1, in a namespace or of a namespace itself.
func (a *apiServer) grants(r *http.Request) bool {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	if r.Method != http.MethodGet || len(parts) != 2 && len(parts) != 4 {
		return false
	}
	allowed, _ := validation.Covers(a.rules, []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: parts[len(parts)-2 : len(parts)-1], Verbs: []string{"get"}}})
	return allowed
}

// wantAsked fails where a request was refused, where none came, and where a rule granted more than was asked for.
func (a *apiServer) wantAsked(t testing.TB, least bool) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.refused {
		t.Errorf("the API server refused %s", r)
	}
	if len(a.asked) == 0 {
		t.Error("the API server was never asked")
	}
	if !least {
		return
	}
	used := make(map[string]bool)
	for path := range a.asked {
		parts := strings.Split(path, "/")
		used[parts[len(parts)-2]] = true
	}
	for _, rule := range a.rules {
		if !slices.Equal(rule.Verbs, []string{"get"}) {
			t.Errorf("rules grant %v, and only get is asked for", rule.Verbs)
		}
		for _, resource := range rule.Resources {
			if !used[resource] {
				t.Errorf("rules grant %s, which nobody asked for", resource)
			}
		}
	}
}
