package kubernetes

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "writes what is generated")

func init() {
	// Their objects are decoded as strictly as those of Kubernetes.
	if err := monitoringv1.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
}

// components are the names of all.
func components(t testing.TB) (names []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "deploy/kubernetes/components/*/kustomization.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no components: %v", err)
	}
	for _, path := range found {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	return names
}

// with is the example with components.
func with(t *testing.T, names ...string) objects {
	t.Helper()
	dir, example := copied(t)
	example = strings.Replace(example, "      - SLS_REGION=cn-hangzhou\n", "      - SLS_REGION=cn-hangzhou\n      - CLUSTER_NAME=prod-1\n", 1) + "\ncomponents:\n"
	for _, name := range names {
		example += "  - ../components/" + name + "\n"
	}
	return buildCopy(t, dir, example)
}

// Each component, and all together, are without a fault, and the example names each.
func TestComponentsHaveNoFaults(t *testing.T) {
	names := components(t)
	sets := [][]string{names}
	for _, name := range names {
		sets = append(sets, []string{name})
	}
	for _, set := range sets {
		for _, fault := range faults(with(t, set...), byHand(t)) {
			t.Errorf("%s: %s", strings.Join(set, ", "), fault)
		}
	}
	_, example := copied(t)
	for _, name := range names {
		if !strings.Contains(example, "#   - ../components/"+name) {
			t.Errorf("the example does not name %s", name)
		}
		if !strings.Contains(document(t), "`"+name+"`") {
			t.Errorf("docs/kubernetes.md does not name %s", name)
		}
	}
}

// The Operator has the rules of deploy/monitoring, and finds the port and the pods.
func TestOperatorRules(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(root, "deploy/monitoring/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "deploy/kubernetes/components/monitoring/prometheusrule.yaml")
	if *update {
		_, groups, _ := strings.Cut(string(rules), "\ngroups:\n")
		text := "# The rules of deploy/monitoring/alerts.yaml: in test/deploy go test ./kubernetes -run TestOperatorRules -update\n" +
			"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: fluent-bit-sls\nspec:\n  groups:\n" +
			strings.ReplaceAll("  "+strings.TrimRight(strings.ReplaceAll(groups, "\n", "\n  "), " \n")+"\n", "\n  \n", "\n\n")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var want monitoringv1.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict(rules, &want); err != nil {
		t.Fatal(err)
	}
	o := with(t, "monitoring")
	if got := find[*monitoringv1.PrometheusRule](o, "fluent-bit-sls"); got == nil || !reflect.DeepEqual(got.Spec, want) {
		t.Errorf("%s has not the rules of deploy/monitoring/alerts.yaml: run this test with -update", path)
	}
	monitor := find[*monitoringv1.PodMonitor](o, "fluent-bit-sls")
	pod := o.daemonSet(t).Spec.Template
	if monitor == nil {
		t.Fatal("no PodMonitor")
	}
	for key, value := range monitor.Spec.Selector.MatchLabels {
		if pod.Labels[key] != value {
			t.Errorf("the PodMonitor selects %s=%s, the pod has %q", key, value, pod.Labels[key])
		}
	}
	e := monitor.Spec.PodMetricsEndpoints[0]
	if e.Port == nil || !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == *e.Port }) ||
		e.Path != pod.Annotations["prometheus.io/path"] {
		t.Errorf("the PodMonitor scrapes %v %s", e.Port, e.Path)
	}
}

// The policy lets through what the pod needs, by number.
func TestNetworkPolicy(t *testing.T) {
	policy := find[*networkingv1.NetworkPolicy](with(t, "network-policy"), "fluent-bit")
	if policy == nil {
		t.Fatal("no policy")
	}
	allowed := make(map[string]bool)
	for _, rule := range policy.Spec.Egress {
		for _, p := range rule.Ports {
			allowed[p.Port.String()] = true
		}
	}
	for _, port := range []string{slsPort, "10011", "53", "443"} {
		if !allowed[port] {
			t.Errorf("no way out to port %s", port)
		}
	}
	if in := policy.Spec.Ingress; len(in) != 1 || in[0].Ports[0].Port.StrVal != "http" {
		t.Errorf("ways in: %+v", in)
	}
}

// trace is what Java writes for an exception: one record. Its first line begins like any other.
var trace = []string{
	`Exception in thread "main" java.lang.IllegalStateException: no stock`,
	"\tat com.example.Cart.add(Cart.java:16)",
	"\tat com.example.Main.main(Main.java:5)",
	"Caused by: java.io.IOException: connection reset",
	"\t... 2 more",
}

// With the components the pod ships what it did, a stack trace as one record, and where each is from.
func TestComponentsShipLogs(t *testing.T) {
	needCluster(t, "the components of deploy/kubernetes")
	const lines = 100
	// Not node-logs: it needs a Fluent Bit with the input systemd, and a journal.
	o := with(t, "multiline", "cluster", "docker")
	c := newCluster(t, o, "my-logstore")
	k := c.admit(t, o)
	cart := k.runPod(t, "shop", "cart-0", metav1.ObjectMeta{Labels: map[string]string{"app": "cart"}})
	cart.write(t, lines, 0)
	for _, line := range trace {
		fmt.Fprintf(cart.file, "%s stdout F %s\n", time.Now().UTC().Format(time.RFC3339Nano), line)
	}
	k.start(t)
	landed := c.await(t, "my-logstore", lines+1)
	wantPodRecords(t, landed, cart)
	traces := 0
	for _, r := range landed {
		if strings.TrimRight(r["log"], "\n") == strings.Join(trace, "\n") {
			traces++
		}
		if r["cluster"] != "prod-1" || r["node"] != "node-1" || r["zone"] != "zone-a" || r["region"] != "unknown" {
			t.Fatalf("record is of cluster %q, node %q, zone %q, region %q", r["cluster"], r["node"], r["zone"], r["region"])
		}
	}
	if traces != 1 || len(landed) != lines+1 {
		t.Errorf("%d traces in %d records, want 1 in %d", traces, len(landed), lines+1)
	}
	k.wantCheck(t)
}

// A pod that another Docker runs has its file behind two links.
func TestDockerFolderIsMounted(t *testing.T) {
	o := with(t, "docker", "node-logs")
	pod := o.daemonSet(t).Spec.Template.Spec
	paths := make(map[string]string)
	for _, v := range pod.Volumes {
		if v.HostPath != nil {
			paths[v.Name] = v.HostPath.Path
		}
	}
	for _, want := range []string{"/var/lib/docker/containers", "/var/log/journal", "/etc/machine-id"} {
		if !slices.ContainsFunc(pod.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.MountPath == want && paths[m.Name] == want && m.ReadOnly
		}) {
			t.Errorf("%s is not mounted, read-only, where the links lead", want)
		}
	}
}

// A rollout of a thousand nodes takes ten steps, not a thousand.
func TestRolloutIsByShare(t *testing.T) {
	u := kustomize(t, "example").daemonSet(t).Spec.UpdateStrategy.RollingUpdate
	if share, found := strings.CutSuffix(u.MaxUnavailable.StrVal, "%"); !found {
		t.Errorf("maxUnavailable %v, want a share", u.MaxUnavailable)
	} else if n, err := strconv.Atoi(share); err != nil || n < 5 || n > 20 {
		t.Errorf("maxUnavailable %v", u.MaxUnavailable)
	}
}
