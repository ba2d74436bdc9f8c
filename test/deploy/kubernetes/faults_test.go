package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// review collects what an API server would refuse, and what would leave a pod waiting for something that never comes.
type review struct {
	objects
	secrets map[string][]string // made by hand, with their keys
	faults  []string
}

// faults are those of objects that are applied together with the Secrets that a person makes.
func faults(o objects, secrets map[string][]string) []string {
	r := review{objects: o, secrets: secrets}
	seen := make(map[string]bool)
	for _, obj := range o {
		r.object(obj)
		key := fmt.Sprintf("%T %s/%s", obj, obj.GetNamespace(), obj.GetName())
		if seen[key] {
			r.fault("%s: there twice", key)
		}
		seen[key] = true
		switch obj := obj.(type) {
		case *appsv1.DaemonSet:
			r.daemonSet(obj)
		case *corev1.Pod:
			r.pod(obj.Name, &obj.ObjectMeta, &obj.Spec)
		case *corev1.Service:
			r.service(obj)
		case *rbacv1.ClusterRoleBinding:
			r.binding(obj)
		case *networkingv1.NetworkPolicy:
			r.selects(obj.Name, &obj.Spec.PodSelector)
		case *monitoringv1.PodMonitor:
			r.selects(obj.Name, &obj.Spec.Selector)
		case *corev1.Namespace, *corev1.ServiceAccount, *corev1.ConfigMap, *corev1.Secret, *rbacv1.ClusterRole, *schedulingv1.PriorityClass,
			*monitoringv1.PrometheusRule:
		default:
			r.fault("%T %s: no rules here", obj, obj.GetName())
		}
	}
	return r.faults
}

func (r *review) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// reasons adds what a function of the API machinery says against a thing.
func (r *review) reasons(what string, reasons []string) {
	for _, reason := range reasons {
		r.fault("%s: %s", what, reason)
	}
}

// clusterWide says whether objects of a type are outside of namespaces.
func clusterWide(obj object) bool {
	switch obj.(type) {
	case *corev1.Namespace, *rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding, *schedulingv1.PriorityClass:
		return true
	}
	return false
}

func (r *review) object(obj object) {
	what := fmt.Sprintf("%T %s", obj, obj.GetName())
	switch obj.(type) {
	case *rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding:
		r.reasons(what, path.IsValidPathSegmentName(obj.GetName()))
	case *corev1.Namespace, *corev1.Service:
		r.reasons(what, validation.IsDNS1123Label(obj.GetName()))
	default:
		r.reasons(what, validation.IsDNS1123Subdomain(obj.GetName()))
	}
	if (obj.GetNamespace() == "") != clusterWide(obj) {
		r.fault("%s: namespace %q", what, obj.GetNamespace())
	}
	for _, err := range metavalidation.ValidateLabels(obj.GetLabels(), field.NewPath("labels")) {
		r.fault("%s: %v", what, err)
	}
	for key := range obj.GetAnnotations() {
		r.reasons(what+": annotation "+key, validation.IsQualifiedName(strings.ToLower(key)))
	}
}

func (r *review) daemonSet(d *appsv1.DaemonSet) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	switch {
	case err != nil:
		r.fault("selector of %s: %v", d.Name, err)
	case d.Spec.Selector == nil || selector.Empty():
		r.fault("selector of %s selects everything or nothing", d.Name)
	case !selector.Matches(labels.Set(d.Spec.Template.Labels)):
		r.fault("selector of %s does not match the labels of its pods", d.Name)
	}
	if u := d.Spec.UpdateStrategy.RollingUpdate; u != nil {
		surge, unavailable := u.MaxSurge, u.MaxUnavailable
		if zero(surge) == (unavailable != nil && zero(unavailable)) {
			r.fault("%s: of maxSurge and maxUnavailable one must be zero, not both", d.Name)
		}
	}
	if p := d.Spec.Template.Spec.RestartPolicy; p != "" && p != corev1.RestartPolicyAlways {
		r.fault("%s: restartPolicy %s", d.Name, p)
	}
	r.pod(d.Name, &d.Spec.Template.ObjectMeta, &d.Spec.Template.Spec)
}

// zero says whether a number or a share of the pods is none.
func zero(n *intstr.IntOrString) bool {
	if n == nil {
		return true
	}
	of, err := intstr.GetScaledValueFromIntOrPercent(n, 100, true)
	return err != nil || of == 0
}

func (r *review) service(s *corev1.Service) {
	selector := labels.SelectorFromSet(s.Spec.Selector)
	for _, d := range all[*appsv1.DaemonSet](r.objects) {
		if d.Namespace != s.Namespace || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			continue
		}
		for _, p := range s.Spec.Ports {
			if !slices.ContainsFunc(ports(&d.Spec.Template.Spec), func(c corev1.ContainerPort) bool {
				return p.TargetPort.StrVal == c.Name && c.Name != "" || p.TargetPort.IntVal == c.ContainerPort
			}) {
				r.fault("service %s: %s has no port %v", s.Name, d.Name, p.TargetPort.String())
			}
		}
		return
	}
	r.fault("service %s selects no pod", s.Name)
}

// selects reviews the selector of something that is about the pods.
func (r *review) selects(name string, s *metav1.LabelSelector) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	for _, d := range all[*appsv1.DaemonSet](r.objects) {
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			return
		}
	}
	r.fault("%s selects no pod: %v", name, err)
}

func (r *review) binding(b *rbacv1.ClusterRoleBinding) {
	if b.RoleRef.APIGroup != rbacv1.GroupName || b.RoleRef.Kind != "ClusterRole" || find[*rbacv1.ClusterRole](r.objects, b.RoleRef.Name) == nil {
		r.fault("binding %s: no role %s %s", b.Name, b.RoleRef.Kind, b.RoleRef.Name)
	}
	for _, s := range b.Subjects {
		if a := find[*corev1.ServiceAccount](r.objects, s.Name); s.Kind != rbacv1.ServiceAccountKind || a == nil || a.Namespace != s.Namespace {
			r.fault("binding %s: no subject %s %s/%s", b.Name, s.Kind, s.Namespace, s.Name)
		}
	}
}

func ports(s *corev1.PodSpec) (all []corev1.ContainerPort) {
	for _, c := range s.Containers {
		all = append(all, c.Ports...)
	}
	return all
}
