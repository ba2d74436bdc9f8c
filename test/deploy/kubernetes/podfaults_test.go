package kubernetes

import (
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// pod reviews a pod, or the template of one.
func (r *review) pod(name string, meta *metav1.ObjectMeta, s *corev1.PodSpec) {
	if a := s.ServiceAccountName; a != "" && find[*corev1.ServiceAccount](r.objects, a) == nil {
		r.fault("%s: no service account %s", name, a)
	}
	if c := s.PriorityClassName; c != "" && !strings.HasPrefix(c, "system-") && find[*schedulingv1.PriorityClass](r.objects, c) == nil {
		r.fault("%s: no priority class %s", name, c)
	}
	volumes := make(map[string]bool) // used or not
	for _, v := range s.Volumes {
		r.reasons(name+": volume "+v.Name, validation.IsDNS1123Label(v.Name))
		if _, twice := volumes[v.Name]; twice {
			r.fault("%s: volume %s is there twice", name, v.Name)
		}
		volumes[v.Name] = false
		r.volume(name, v)
	}
	names := make(map[string]bool)
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		if names[c.Name] {
			r.fault("%s: container %s is there twice", name, c.Name)
		}
		names[c.Name] = true
		r.container(name+"/"+c.Name, c, volumes)
	}
	if len(s.Containers) == 0 {
		r.fault("%s: no container", name)
	}
	for v, used := range volumes {
		if !used {
			r.fault("%s: nothing mounts volume %s", name, v)
		}
	}
	if port, ok := meta.Annotations["prometheus.io/port"]; ok && !slices.ContainsFunc(ports(s), func(p corev1.ContainerPort) bool {
		return strconv.Itoa(int(p.ContainerPort)) == port
	}) {
		r.fault("%s: prometheus.io/port %s is not a port of it", name, port)
	}
}

// volume reviews where a volume comes from.
func (r *review) volume(pod string, v corev1.Volume) {
	switch {
	case v.ConfigMap != nil:
		m := find[*corev1.ConfigMap](r.objects, v.ConfigMap.Name)
		if m == nil {
			r.fault("%s: no ConfigMap %s", pod, v.ConfigMap.Name)
			return
		}
		for _, item := range v.ConfigMap.Items {
			if _, ok := m.Data[item.Key]; !ok {
				r.fault("%s: ConfigMap %s has no %s", pod, m.Name, item.Key)
			}
		}
	case v.Secret != nil:
		if r.secrets[v.Secret.SecretName] == nil && find[*corev1.Secret](r.objects, v.Secret.SecretName) == nil {
			r.fault("%s: no Secret %s", pod, v.Secret.SecretName)
		}
	case v.HostPath != nil:
		if p := v.HostPath.Path; !path.IsAbs(p) || path.Clean(p) != p {
			r.fault("%s: hostPath %q", pod, p)
		}
	case v.EmptyDir != nil:
	default:
		r.fault("%s: volume %s: no rules here for what it is", pod, v.Name)
	}
}

// container reviews a container and marks the volumes that it uses.
func (r *review) container(name string, c corev1.Container, volumes map[string]bool) {
	r.reasons(name, validation.IsDNS1123Label(c.Name))
	if c.Image == "" {
		r.fault("%s: no image", name)
	}
	for _, p := range c.Ports {
		r.reasons(name+": port "+p.Name, append(validation.IsValidPortName(p.Name), validation.IsValidPortNum(int(p.ContainerPort))...))
	}
	r.environment(name, c)
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			r.probe(name, c, p)
		}
	}
	for resource, request := range c.Resources.Requests {
		if limit, ok := c.Resources.Limits[resource]; ok && request.Cmp(limit) > 0 {
			r.fault("%s: requests more %s than its limit", name, resource)
		}
	}
	paths := make(map[string]bool)
	for _, m := range c.VolumeMounts {
		if _, ok := volumes[m.Name]; !ok {
			r.fault("%s: no volume %s", name, m.Name)
		}
		volumes[m.Name] = true
		if !path.IsAbs(m.MountPath) || strings.Contains(m.MountPath, ":") || paths[m.MountPath] {
			r.fault("%s: mountPath %q", name, m.MountPath)
		}
		paths[m.MountPath] = true
	}
}

func (r *review) environment(name string, c corev1.Container) {
	for _, e := range c.EnvFrom {
		switch {
		case e.ConfigMapRef != nil:
			m := find[*corev1.ConfigMap](r.objects, e.ConfigMapRef.Name)
			if m == nil {
				r.fault("%s: no ConfigMap %s", name, e.ConfigMapRef.Name)
				continue
			}
			for key := range m.Data {
				r.reasons(name+": ConfigMap "+m.Name+": "+key, validation.IsEnvVarName(e.Prefix+key))
			}
		default:
			r.fault("%s: an environment from a Secret: a change would need a restart, and the key would be in the environment", name)
		}
	}
	seen := make(map[string]bool)
	for _, e := range c.Env {
		r.reasons(name+": variable", validation.IsEnvVarName(e.Name))
		if seen[e.Name] {
			r.fault("%s: variable %s is there twice", name, e.Name)
		}
		seen[e.Name] = true
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			r.fault("%s: variable %s from a Secret: a change would need a restart, and the key would be in the environment", name, e.Name)
		}
	}
}

func (r *review) probe(name string, c corev1.Container, p *corev1.Probe) {
	switch {
	case p.HTTPGet == nil:
		r.fault("%s: a probe without httpGet: the image has no shell", name)
	case !strings.HasPrefix(p.HTTPGet.Path, "/"):
		r.fault("%s: a probe's path is %q", name, p.HTTPGet.Path)
	case portOf(c, p.HTTPGet.Port) == 0:
		r.fault("%s: a probe asks at port %s, which it has not", name, p.HTTPGet.Port.String())
	}
}

// portOf is the number of a container's port, 0 where there is none.
func portOf(c corev1.Container, port intstr.IntOrString) int32 {
	for _, p := range c.Ports {
		if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
			return p.ContainerPort
		}
	}
	return 0
}
