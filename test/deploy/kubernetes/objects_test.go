package kubernetes

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// object is a decoded object of the Kubernetes API.
type object interface {
	runtime.Object
	metav1.Object
}

// objects are what is applied together.
type objects []object

// decode takes what has no field that its type has not, and no field twice.
var decode = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

// add decodes an object.
func (o *objects) add(text []byte) error {
	decoded, _, err := decode.Decode(text, nil, nil)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	obj, ok := decoded.(object)
	if !ok {
		return fmt.Errorf("%T is not an object with a name", decoded)
	}
	*o = append(*o, obj)
	return nil
}

// all returns the objects of a type.
func all[T object](o objects) (found []T) {
	for _, obj := range o {
		if typed, ok := obj.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// find returns the object of a type and name, nil where there is none.
func find[T object](o objects, name string) (found T) {
	for _, obj := range all[T](o) {
		if obj.GetName() == name {
			return obj
		}
	}
	return found
}

// kustomize renders a directory of deploy/kubernetes, as kubectl apply -k does.
func kustomize(t testing.TB, name string) objects {
	t.Helper()
	o, err := build(filepath.Join(root, "deploy", "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func build(dir string) (o objects, err error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, err
		}
		if err := o.add(text); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// daemonSet returns the one that there must be.
func (o objects) daemonSet(t testing.TB) *appsv1.DaemonSet {
	t.Helper()
	sets := all[*appsv1.DaemonSet](o)
	if len(sets) != 1 {
		t.Fatalf("%d DaemonSets, want one", len(sets))
	}
	return sets[0]
}

// rules are what a service account may do.
func (o objects) rules(account string) (rules []rbacv1.PolicyRule) {
	for _, b := range all[*rbacv1.ClusterRoleBinding](o) {
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.ServiceAccountKind && s.Name == account {
				if role := find[*rbacv1.ClusterRole](o, b.RoleRef.Name); role != nil {
					rules = append(rules, role.Rules...)
				}
			}
		}
	}
	return rules
}

// An overlay says where to, and changes nothing else of that.
func TestRendered(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"example":                {"SLS_PROJECT": "my-project", "SLS_LOGSTORE": "my-logstore", "SLS_REGION": "cn-hangzhou", "SLS_LOGSTORE_KEY": ""},
		"logstore-per-namespace": {"SLS_PROJECT": "my-project", "SLS_LOGSTORE": "my-logstore", "SLS_REGION": "cn-hangzhou", "SLS_LOGSTORE_KEY": "$TAG['namespace']"},
	} {
		t.Run(name, func(t *testing.T) {
			o := kustomize(t, name)
			var settings *corev1.ConfigMap
			for _, m := range all[*corev1.ConfigMap](o) {
				if strings.HasPrefix(m.Name, "sls-") {
					settings = m
				}
			}
			if settings == nil {
				t.Fatal("no ConfigMap sls")
			}
			for key, value := range want {
				if settings.Data[key] != value {
					t.Errorf("%s is %q, want %q", key, settings.Data[key], value)
				}
			}
		})
	}
}

// Fields that there are not, and fields twice, are refused.
func TestDecodeIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomount: false\n",
		"nested":        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      readinesProbe: {}\n",
		"twice":         "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nsecrets: []\nsecrets: []\n",
		"type":          "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\nspec: {minReadySeconds: soon}\n",
		"version":       "apiVersion: apps/v1beta9\nkind: DaemonSet\nmetadata: {name: a}\n",
	} {
		var o objects
		if err := o.add([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
