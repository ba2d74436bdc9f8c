package kubernetes

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestManifestsHaveNoFaults(t *testing.T) {
	for _, name := range []string{"base", "example", "logstore-per-namespace"} {
		for _, fault := range faults(kustomize(t, name), byHand(t)) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// Each rule must find what it is for.
func TestRulesFindFaults(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(o *objects, d *appsv1.DaemonSet, c *corev1.Container)
		want  string
	}{
		"selector":    {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { d.Spec.Template.Labels = nil }, "does not match"},
		"no selector": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { d.Spec.Selector = nil }, "everything or nothing"},
		"mount":       {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { c.VolumeMounts[0].Name = "x" }, "no volume x"},
		"mount path": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			c.VolumeMounts[0].MountPath = c.VolumeMounts[1].MountPath
		}, "mountPath"},
		"volume unused": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { c.VolumeMounts = c.VolumeMounts[1:] }, "nothing mounts"},
		"ConfigMap":     {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { c.EnvFrom[0].ConfigMapRef.Name = "sls" }, "no ConfigMap sls"},
		"key": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.Template.Spec.Volumes[0].ConfigMap.Items = []corev1.KeyToPath{{Key: "x", Path: "x"}}
		}, "has no x"},
		"Secret": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.Template.Spec.Volumes[1].Secret.SecretName = "sls"
		}, "no Secret sls"},
		"key in the environment": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "SLS_ACCESS_KEY_SECRET", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "x"}}}}
		}, "from a Secret"},
		"variable": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { c.Env = []corev1.EnvVar{{Name: "A=B"}} }, "variable"},
		"probe":    {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { c.Ports[0].Name = "web" }, "a probe asks at port http"},
		"scrape": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.Template.Annotations["prometheus.io/port"] = "2021"
		}, "prometheus.io/port"},
		"limit": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			c.Resources.Requests["memory"] = c.Resources.Limits["cpu"].DeepCopy()
			c.Resources.Limits["memory"] = c.Resources.Requests["cpu"].DeepCopy()
		}, "more memory than its limit"},
		"hostPath": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.Template.Spec.Volumes[2].HostPath.Path = "var/log"
		}, "hostPath"},
		"account": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.Template.Spec.ServiceAccountName = "x"
		}, "no service account"},
		"priority": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.Template.Spec.PriorityClassName = "x"
		}, "no priority class"},
		"role": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			find[*rbacv1.ClusterRole](*o, "fluent-bit-sls").Name = "x"
		}, "no role"},
		"name":      {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { d.Name = "Fluent_Bit" }, "RFC 1123"},
		"namespace": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { d.Namespace = "" }, "namespace"},
		"twice":     {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) { *o = append(*o, (*o)[0]) }, "there twice"},
		"strategy": {func(o *objects, d *appsv1.DaemonSet, c *corev1.Container) {
			d.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = d.Spec.UpdateStrategy.RollingUpdate.MaxSurge
		}, "maxSurge"},
	} {
		t.Run(name, func(t *testing.T) {
			o := kustomize(t, "example")
			d := o.daemonSet(t)
			c.spoil(&o, d, &d.Spec.Template.Spec.Containers[0])
			if found := strings.Join(faults(o, byHand(t)), "\n"); !strings.Contains(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}
