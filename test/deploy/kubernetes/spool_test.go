package kubernetes

import (
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

// What an outage leaves behind must be on the node's own disk, where the next pod finds it, and within the limit that
// docs/kubernetes.md gives. Fluent Bit takes each directory in storage.path for one of its own.
func TestSpoolIsOnTheNode(t *testing.T) {
	c, err := fbconf.Read(filepath.Join(root, "deploy", "kubernetes", "base", "fluent-bit.yaml"), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	out, storage := c.Of(fbconf.Output)[0], c.Service().Last("storage.path").Value
	values := make(map[string]string)
	for _, key := range []string{"spool_path", "spool_limit", "storage.total_limit_size"} {
		p := out.Last(key)
		if p == nil {
			t.Fatalf("%s is not set", key)
		}
		values[key] = p.Value
	}
	spool := values["spool_path"]
	if strings.HasPrefix(spool+"/", storage+"/") || strings.HasPrefix(storage+"/", spool+"/") {
		t.Errorf("spool_path %s and storage.path %s are one in the other", spool, storage)
	}
	pod := kustomize(t, "example").daemonSet(t).Spec.Template.Spec
	for _, path := range []string{spool, storage} {
		if v := volumeOf(pod, path); v == nil || v.HostPath == nil {
			t.Errorf("%s is not in a hostPath, but in %v", path, v)
		}
	}
	if values["spool_limit"] != "8G" || values["storage.total_limit_size"] != "2G" {
		t.Errorf("spool_limit %s and storage.total_limit_size %s are not the 8G and 2G, together 10G, of docs/kubernetes.md", values["spool_limit"], values["storage.total_limit_size"])
	}
	if want := "10G a node: `spool_limit` 8G and `storage.total_limit_size` 2G"; !strings.Contains(document(t), want) {
		t.Errorf("docs/kubernetes.md does not say %q", want)
	}
}

// volumeOf is the volume that holds a path in the first container; nil where none does.
func volumeOf(pod corev1.PodSpec, path string) *corev1.Volume {
	for _, m := range pod.Containers[0].VolumeMounts {
		if !strings.HasPrefix(path, m.MountPath+"/") || m.ReadOnly || m.SubPath != "" {
			continue
		}
		for i := range pod.Volumes {
			if pod.Volumes[i].Name == m.Name {
				return &pod.Volumes[i]
			}
		}
	}
	return nil
}
