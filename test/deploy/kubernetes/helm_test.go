package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	corev1 "k8s.io/api/core/v1"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

var valuesFile = filepath.Join(root, "deploy", "helm", "values.yaml")

// helm renders the chart with the values of deploy/helm, as helm install fluent-bit -n fluent-bit-sls does.
func helm(t testing.TB) objects {
	t.Helper()
	dir := os.Getenv("HELM_CHART")
	if dir == "" {
		t.Skip("HELM_CHART does not name a directory with Fluent Bit's chart (charts/fluent-bit of github.com/fluent/helm-charts): what it makes of deploy/helm/values.yaml is not tested")
	}
	o, err := renderChart(dir)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func renderChart(dir string) (o objects, err error) {
	c, err := loader.LoadDir(dir)
	if err != nil {
		return nil, err
	}
	values, err := chartutil.ReadValuesFile(valuesFile)
	if err != nil {
		return nil, err
	}
	texts, err := renderValues(c, values)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !strings.HasSuffix(name, ".yaml") || strings.Contains(name, "/templates/tests/") {
			continue
		}
		for text := range strings.SplitSeq(texts[name], "\n---\n") {
			if strings.TrimSpace(text) == "" {
				continue
			}
			if err := o.add([]byte(text)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return o, nil
}

// renderValues returns the texts that the chart makes of values, by the names of its templates.
func renderValues(c *chart.Chart, values chartutil.Values) (map[string]string, error) {
	release := chartutil.ReleaseOptions{Name: "fluent-bit", Namespace: agentNamespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// The documents name the version of the chart that is tested.
func TestChartVersion(t *testing.T) {
	helm(t)
	c, err := loader.LoadDir(os.Getenv("HELM_CHART"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	if version := c.Metadata.Version; !strings.Contains(document(t), "--version "+version) || !strings.Contains(string(text), "tested with "+version) {
		t.Errorf("HELM_CHART has version %s, which docs/kubernetes.md and deploy/helm/values.yaml do not both name", version)
	}
}

func TestChartHasNoFaults(t *testing.T) {
	o := helm(t)
	for _, fault := range faults(o, byHand(t)) {
		t.Error(fault)
	}
}

// Each value must have an effect, for Helm silently takes one that the chart does not know.
func TestValuesHaveAnEffect(t *testing.T) {
	helm(t)
	c, err := loader.LoadDir(os.Getenv("HELM_CHART"))
	if err != nil {
		t.Fatal(err)
	}
	values := readValues(t)
	for _, path := range leaves(values) {
		if !effective(t, c, values, path) {
			t.Errorf("%s has no effect on what the chart makes", strings.Join(path, "."))
		}
	}
	// What the chart does not know is found.
	values["configs"] = "x"
	if effective(t, c, values, []string{"configs"}) {
		t.Error("configs, which is not a value of the chart, has an effect")
	}
	values["config"].(map[string]any)["output"] = "x"
	if effective(t, c, values, []string{"config", "output"}) {
		t.Error("config.output, which is not a value of the chart, has an effect")
	}
}

func readValues(t *testing.T) chartutil.Values {
	t.Helper()
	values, err := chartutil.ReadValuesFile(valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// leaves are the paths of the values that are not tables.
func leaves(values map[string]any) (paths [][]string) {
	for key, value := range values {
		inner, ok := value.(map[string]any)
		if !ok || len(inner) == 0 {
			paths = append(paths, []string{key})
			continue
		}
		for _, path := range leaves(inner) {
			paths = append(paths, append([]string{key}, path...))
		}
	}
	return paths
}

// effective tells whether the chart makes something else without the value, or has it as its own default.
func effective(t *testing.T, c *chart.Chart, values chartutil.Values, path []string) bool {
	t.Helper()
	if at(c.Values, path) != nil && asJSON(t, at(c.Values, path)) == asJSON(t, at(values, path)) {
		return true
	}
	with, err := renderValues(c, values)
	if err != nil {
		t.Fatal(err)
	}
	var less chartutil.Values
	if err := json.Unmarshal([]byte(asJSON(t, values)), &less); err != nil { // a deep copy
		t.Fatal(err)
	}
	delete(at(less, path[:len(path)-1]).(map[string]any), path[len(path)-1])
	without, err := renderValues(c, less)
	return err != nil || !maps.Equal(with, without) // a chart that needs the value uses it
}

// at is the value that a path leads to, nil if there is none.
func at(values map[string]any, path []string) any {
	if len(path) == 0 {
		return values
	}
	inner, ok := values[path[0]].(map[string]any)
	if len(path) == 1 || !ok {
		return values[path[0]]
	}
	return at(inner, path[1:])
}

// The pod that the chart makes: Fluent Bit's own image, and the plugin from the init container.
func TestChartShipsLogs(t *testing.T) {
	needCluster(t, "the pod of Fluent Bit's chart")
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("no busybox on PATH: the image of the init container (Debian: busybox-static)")
	}
	o := helm(t)
	c := newCluster(t, o, "my-logstore")
	shipsLogs(t, c.admit(t, o))
	c.api.wantAsked(t, false)
}

// What differs between the pod of the chart and that of deploy/kubernetes is what must.
func TestChartPodIsTheSame(t *testing.T) {
	chart, own := helm(t).daemonSet(t).Spec, kustomize(t, "example").daemonSet(t).Spec
	a, b := chart.Template.Spec, own.Template.Spec
	x, y := a.Containers[0], b.Containers[0]
	for name, pair := range map[string][2]any{
		"updateStrategy":                {chart.UpdateStrategy, own.UpdateStrategy},
		"terminationGracePeriodSeconds": {a.TerminationGracePeriodSeconds, b.TerminationGracePeriodSeconds},
		"tolerations":                   {a.Tolerations, b.Tolerations},
		"nodeSelector":                  {a.NodeSelector, b.NodeSelector},
		"pod securityContext":           {a.SecurityContext, b.SecurityContext},
		"securityContext":               {x.SecurityContext, y.SecurityContext},
		"resources":                     {x.Resources, y.Resources},
		"livenessProbe":                 {x.LivenessProbe, y.LivenessProbe},
		"readinessProbe":                {x.ReadinessProbe, y.ReadinessProbe},
		"volumes":                       {volumesOf(a), volumesOf(b)},
	} {
		if got, want := asJSON(t, pair[0]), asJSON(t, pair[1]); got != want {
			t.Errorf("%s of the chart's pod: %s\nof deploy/kubernetes: %s", name, got, want)
		}
	}
	for key, value := range own.Template.Annotations {
		if got := chart.Template.Annotations[key]; got != value {
			t.Errorf("annotation %s: %q, want %q", key, got, value)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// volumesOf are the folders of the node and the Secrets that a pod sees, and where.
func volumesOf(s corev1.PodSpec) (list []string) {
	for _, v := range s.Volumes {
		for _, m := range s.Containers[0].VolumeMounts {
			if m.Name == v.Name && (v.HostPath != nil || v.Secret != nil) {
				list = append(list, fmt.Sprintf("%s read-only %v: %s", m.MountPath, m.ReadOnly, v.VolumeSource.String()))
			}
		}
	}
	slices.Sort(list)
	return list
}

// The values have the configuration of deploy/kubernetes in the chart's form.
func TestConfigurationsAreTheSame(t *testing.T) {
	values, err := chartutil.ReadValuesFile(valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := values.Table("config")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, part := range []string{"service", "inputs", "filters", "outputs"} {
		fmt.Fprintln(&text, parts[part])
	}
	classic := filepath.Join(t.TempDir(), "fluent-bit.conf")
	if err := os.WriteFile(classic, []byte(pluginsFile.ReplaceAllString(text.String(), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(t.TempDir(), "fluent-bit.yaml")
	own, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", "base", "fluent-bit.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(yaml, pluginsFile.ReplaceAll(own, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := sections(t, classic), sections(t, yaml); got != want {
		t.Errorf("deploy/helm/values.yaml:\n%s\ndeploy/kubernetes/base/fluent-bit.yaml:\n%s", got, want)
	}
}

// pluginsFile is the line that differs: the plugin is elsewhere.
var pluginsFile = regexp.MustCompile(`(?m)^ *plugins_file.*\n`)

// sections are those of a configuration, with the keys that each sets, in one form.
func sections(t *testing.T, file string) string {
	t.Helper()
	names := map[string]string{"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore"}
	c, err := fbconf.Read(file, func(name string) string { return names[name] })
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range c.Sections {
		line := string(s.Kind)
		for _, p := range s.Properties {
			line += fmt.Sprintf("\n    %s %s", strings.ToLower(p.Key), p.Value)
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}
