package kubernetes

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"out_sls_kafka/test/deploy/image"
	"out_sls_kafka/test/deploy/sandbox"
	"out_sls_kafka/test/run"
)

// agentPod is the name of the DaemonSet's pod on the node, agentNamespace where it is.
const (
	agentPod       = "fluent-bit-7x2kq"
	agentNamespace = "fluent-bit-sls"
)

// accountPath is where each pod finds the token of its service account.
const accountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// kubelet runs the DaemonSet's pod on a node.
type kubelet struct {
	*cluster
	objects     objects
	pod         *corev1.PodTemplateSpec
	mounts      map[string]*projection // of ConfigMaps and Secrets, by volume
	folders     map[string]string      // of all volumes, by name
	testRecords int                    // how often sls-check wrote its test record
	limited     bool                   // to the memory that the pod may have; needs control groups
}

// admit prepares what the pod's volumes hold.
func (c *cluster) admit(t testing.TB, o objects) *kubelet {
	t.Helper()
	k := &kubelet{cluster: c, objects: o, pod: &o.daemonSet(t).Spec.Template, mounts: make(map[string]*projection), folders: make(map[string]string)}
	for _, v := range k.pod.Spec.Volumes {
		switch {
		case v.ConfigMap != nil:
			k.project(t, v.Name, find[*corev1.ConfigMap](o, v.ConfigMap.Name).Data, 0o644)
		case v.Secret != nil:
			k.project(t, v.Name, map[string]string{"credentials": keyID + "#" + keySecret + "\n"}, os.FileMode(*v.Secret.DefaultMode))
		case v.HostPath != nil:
			k.folders[v.Name] = c.node.folder(t, v.HostPath.Path)
		case v.EmptyDir != nil:
			k.folders[v.Name] = t.TempDir()
			if err := os.Chmod(k.folders[v.Name], 0o777); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("volume %s: not known here", v.Name)
		}
	}
	c.api.put(agentNamespace, agentPod, k.pod.ObjectMeta)
	return k
}

func (k *kubelet) project(t testing.TB, volume string, data map[string]string, mode os.FileMode) {
	t.Helper()
	p := &projection{dir: t.TempDir(), mode: mode}
	p.write(t, data)
	k.mounts[volume], k.folders[volume] = p, p.dir
}

// start runs the init containers to their end, then the container.
func (k *kubelet) start(t testing.TB) *run.TestProcess {
	t.Helper()
	for _, c := range k.pod.Spec.InitContainers {
		if code := sandbox.Start(t, k.container(t, c)).Wait(30 * time.Second); code != 0 {
			t.Fatalf("init container %s: exit code %d", c.Name, code)
		}
	}
	return sandbox.Start(t, k.agent(t))
}

// agent is the pod's one container.
func (k *kubelet) agent(t testing.TB) sandbox.Container {
	t.Helper()
	if n := len(k.pod.Spec.Containers); n != 1 {
		t.Fatalf("%d containers, want one", n)
	}
	return k.container(t, k.pod.Spec.Containers[0])
}

// container is what a container of the pod runs in.
func (k *kubelet) container(t testing.TB, c corev1.Container) sandbox.Container {
	t.Helper()
	of := imageOf(t, c)
	s := sandbox.Container{Root: of.Root, Network: k.network, Hosts: k.hosts, Args: of.Command(c.Args...),
		Env: []string{"HOSTNAME=" + agentPod}, Capabilities: true}
	if k.limited {
		s.MemoryLimit = c.Resources.Limits.Memory().Value()
	}
	if len(c.Command) > 0 {
		s.Args = append(append([]string(nil), c.Command...), c.Args...)
	}
	for _, e := range c.EnvFrom {
		for name, value := range find[*corev1.ConfigMap](k.objects, e.ConfigMapRef.Name).Data {
			s.Env = append(s.Env, name+"="+value)
		}
	}
	for _, e := range c.Env {
		s.Env = append(s.Env, e.Name+"="+valueOf(t, e))
	}
	for _, m := range c.VolumeMounts {
		s.Mounts = append(s.Mounts, sandbox.Mount{Host: k.folders[m.Name], Path: m.MountPath, ReadOnly: m.ReadOnly})
	}
	s.Mounts = append(s.Mounts, sandbox.Mount{Host: k.api.account.dir, Path: accountPath, ReadOnly: true})
	k.confine(&s, c.SecurityContext)
	return s
}

// valueOf is what a variable has in a pod on node-1, in zone-a of a region that is not known.
func valueOf(t testing.TB, e corev1.EnvVar) string {
	t.Helper()
	if e.ValueFrom == nil {
		return e.Value
	}
	fields := map[string]string{"spec.nodeName": "node-1", "metadata.labels['topology.kubernetes.io/zone']": "zone-a",
		"metadata.labels['topology.kubernetes.io/region']": ""}
	if e.ValueFrom.FieldRef == nil {
		t.Fatalf("variable %s: not known here", e.Name)
	}
	value, known := fields[e.ValueFrom.FieldRef.FieldPath]
	if !known {
		t.Fatalf("variable %s: no field %s known here", e.Name, e.ValueFrom.FieldRef.FieldPath)
	}
	return value
}

// confine takes what the pod's and the container's securityContext take.
func (k *kubelet) confine(s *sandbox.Container, own *corev1.SecurityContext) {
	user := func(uid, gid *int64) {
		if uid != nil {
			s.UID = int(*uid)
		}
		if gid != nil {
			s.GID = int(*gid)
		}
	}
	if p := k.pod.Spec.SecurityContext; p != nil {
		user(p.RunAsUser, p.RunAsGroup)
	}
	if own == nil {
		return
	}
	user(own.RunAsUser, own.RunAsGroup)
	s.ReadOnlyRoot = own.ReadOnlyRootFilesystem != nil && *own.ReadOnlyRootFilesystem
	s.NoNewPrivileges = own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation
	if c := own.Capabilities; c != nil && len(c.Drop) == 1 && c.Drop[0] == "ALL" && len(c.Add) == 0 {
		s.Capabilities = false
	}
}

// imageOf is the image that a container names.
func imageOf(t testing.TB, c corev1.Container) image.Image {
	t.Helper()
	named, err := reference.ParseNormalizedNamed(c.Image)
	if err != nil {
		t.Fatalf("image %q: %v", c.Image, err)
	}
	build := images[named.Name()]
	if build == nil {
		t.Fatalf("image %q: not known here", c.Image)
	}
	of, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return of
}

// probe asks as the kubelet does and returns the status.
func (k *kubelet) probe(t testing.TB, p *corev1.Probe) int {
	t.Helper()
	status, _ := k.get(t, strconv.Itoa(int(portOf(k.pod.Spec.Containers[0], p.HTTPGet.Port))), p.HTTPGet.Path)
	return status
}

// metrics is what Prometheus gets where the annotations send it: 404 until Fluent Bit has counted for the first time.
func (k *kubelet) metrics(t testing.TB) (status int, text string) {
	t.Helper()
	return k.get(t, k.pod.Annotations["prometheus.io/port"], k.pod.Annotations["prometheus.io/path"])
}

// wantReady waits until the pod is ready, and asks whether it is alive and can be scraped where its annotations say.
func (k *kubelet) wantReady(t testing.TB) {
	t.Helper()
	c := k.pod.Spec.Containers[0]
	if status := k.probe(t, c.ReadinessProbe); status != http.StatusOK {
		t.Errorf("readiness: %d", status)
	}
	if status := k.probe(t, c.LivenessProbe); status != http.StatusOK {
		t.Errorf("liveness: %d", status)
	}
	k.awaitSeries(t, `fluentbit_sls_kafka_up\{name="sls_kafka.0"\} 1`, 1)
	k.awaitSeries(t, `fluentbit_storage_chunks (\d+)`, 0)
}

// projection is a volume with the contents of a ConfigMap or Secret.
type projection struct {
	dir   string
	mode  os.FileMode
	turns int
}

// write replaces the contents the way the kubelet does: the files are in a folder of their own, a link to it changes at
// once, and the names are links through that (Kubernetes, pkg/volume/util/atomic_writer.go).
func (p *projection) write(t testing.TB, data map[string]string) {
	t.Helper()
	p.turns++
	folder := fmt.Sprintf("..%d", p.turns)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(p.dir, folder), 0o755))
	for name, text := range data {
		must(os.WriteFile(filepath.Join(p.dir, folder, name), []byte(text), p.mode))
		if p.turns == 1 {
			must(os.Symlink("..data/"+name, filepath.Join(p.dir, name)))
		}
	}
	must(os.Symlink(folder, filepath.Join(p.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(p.dir, "..data_tmp"), filepath.Join(p.dir, "..data")))
	if p.turns > 1 {
		must(os.RemoveAll(filepath.Join(p.dir, fmt.Sprintf("..%d", p.turns-1))))
	}
}
