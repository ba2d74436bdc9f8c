package deploy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"out_sls_kafka/test/deploy/image"
	"out_sls_kafka/test/deploy/sandbox"
	"out_sls_kafka/test/run"
)

// machines are the architectures an image is for: as Go calls them, and as compilers and QEMU do.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// pushed is the image for both architectures, pushed to a registry as one manifest list and pulled back from there into
// a store of its own.
func pushed(t *testing.T) *image.Store {
	t.Helper()
	needBuilder(t)
	s, err := image.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	must := func(printed string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return printed
	}
	must(s.Buildah(ctx, "manifest", "create", "list"))
	for arch, cpu := range machines {
		// The stages before the last one run here, on this machine's architecture.
		bases, err := standIns()
		if err != nil {
			t.Fatal(err)
		}
		must(s.Commit(ctx, "golang", runtime.GOARCH, bases["golang"]))
		busybox := must(s.Commit(ctx, "busybox", arch, bases["busybox"]))
		host := must(s.Commit(ctx, "fluent/fluent-bit", arch, image.BundledHost(hostFor(t, cpu), systemOf(t, cpu))))
		b, err := image.Project(project(t))
		if err != nil {
			t.Fatal(err)
		}
		b.Args["BUSYBOX"], b.Args["FLUENT_BIT"] = busybox, host
		b.Platforms, b.Name = []string{"linux/" + arch}, "fluent-bit-sls-"+arch
		must("", s.Build(ctx, b))
		must(s.Buildah(ctx, "manifest", "add", "list", image.Local(b.Name)))
	}
	name := startRegistry(t) + "/fluent-bit-sls:v0.0.0-test"
	must(s.Buildah(ctx, "manifest", "push", "--all", "--tls-verify=false", "list", "docker://"+name))
	back, err := image.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for arch := range machines {
		must(back.Buildah(ctx, "pull", "--tls-verify=false", "--arch", arch, name))
		must(back.Buildah(ctx, "tag", name, arch))
	}
	return back
}

// needBuilder skips a test where images cannot be built for both architectures.
func needBuilder(t *testing.T) {
	t.Helper()
	need(t, "buildah", "building the image (Debian: buildah)")
	need(t, "busybox", "the image of the init container (Debian: busybox-static)")
	need(t, "docker-registry", "pushing the image (Debian: docker-registry)")
	need(t, "qemu-aarch64-static", "the image for arm64 (Debian: qemu-user-static)")
	if os.Getuid() != 0 {
		t.Skip("not root: building an image without a daemon needs it")
	}
}

// startRegistry starts a registry and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", dir, address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run.StartTest(t, run.Command{Path: "docker-registry", Args: []string{"serve", config}})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r, err := http.Get("http://" + address + "/v2/"); err == nil {
			r.Body.Close()
			return address
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// zig is the C compiler that the build of an image or a release has kept.
func zig(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(project(t, "build/ziglang-*/ziglang/zig"))
	if err != nil || len(found) == 0 {
		agentImage(t)
		if found, _ = filepath.Glob(project(t, "build/ziglang-*/ziglang/zig")); len(found) == 0 {
			t.Fatal("no C compiler in build")
		}
	}
	return found[0]
}

// hostFor is the bundled host, built for a processor: there is a Fluent Bit for this machine's alone.
func hostFor(t *testing.T, cpu string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "host-"+cpu)
	sources, err := filepath.Glob(project(t, "test/host/src/*.c"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources of the bundled host: %v", err)
	}
	args := append([]string{"cc", "-target", cpu + "-linux-gnu.2.17", "-O2", "-rdynamic", "-o", path}, sources...)
	cmd := exec.Command(zig(t), append(args, "-ldl", "-lpthread")...)
	cache := project(t, "build/zig-cache")
	cmd.Env = append(os.Environ(), "ZIG_GLOBAL_CACHE_DIR="+cache, "ZIG_LOCAL_CACHE_DIR="+cache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the bundled host for %s: %v\n%s", cpu, err, out)
	}
	return path
}

// systemOf is where the C library for a processor is.
func systemOf(t *testing.T, cpu string) string {
	t.Helper()
	if cpu == "x86_64" {
		return "/lib/x86_64-linux-gnu"
	}
	dir := "/usr/" + cpu + "-linux-gnu/lib"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%v: the image for %s (Debian: libc6-arm64-cross)", err, cpu)
	}
	return dir
}

// The image is one list of two, each for its machine. The shared object in it is the release's, and ships lines; for
// arm64 under QEMU. The licences and sls-check are in both.
func TestImageOfTwoArchitectures(t *testing.T) {
	const lines = 100
	back := pushed(t)
	for arch, cpu := range machines {
		t.Run(arch, func(t *testing.T) {
			built, err := back.Unpack(t.Context(), image.Local(arch))
			if err != nil {
				t.Fatal(err)
			}
			wantRelease(t, arch, built.Root)
			for _, file := range []string{"LICENSE", "THIRD_PARTY_NOTICES.txt"} {
				if info, err := os.Stat(filepath.Join(built.Root, "licenses/out_sls_kafka", file)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", file, err)
				}
			}
			var emulator []string
			if arch != runtime.GOARCH {
				emulator = []string{"/qemu"}
				install(t, "qemu-"+cpu+"-static", filepath.Join(built.Root, "qemu"))
			}
			check := sandbox.Start(t, sandbox.Container{Root: built.Root, Args: append(emulator, "/fluent-bit/bin/sls-check", "-version")})
			if check.Wait(time.Minute) != 0 || check.Count("v0.0.0-test") != 1 {
				t.Errorf("sls-check -version: %s", check.Output())
			}
			s := serve(t, "my-logstore")
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, s.CAPEM(), 0o644); err != nil {
				t.Fatal(err)
			}
			args := append(emulator, append(built.Config.Entrypoint, "-e", "/fluent-bit/plugins/out_sls_kafka.so", "-t", "test",
				"-p", "project="+slsProject, "-p", "logstore=my-logstore", "-p", "region="+slsRegion, "-p", "tls_ca_file=/ca.pem",
				"-p", "access_key_id="+keyID, "-p", "access_key_secret="+keySecret)...)
			p := sandbox.Start(t, sandbox.Container{Root: built.Root, Args: args, Network: s.network, Hosts: s.hosts,
				Mounts: []sandbox.Mount{{Host: ca, Path: "/ca.pem", ReadOnly: true}}})
			p.Await("version v0.0.0-test", 1, time.Minute)
			for i := range lines {
				fmt.Fprintln(p.Input, "line", i)
			}
			p.Input.Close()
			s.await(t, "my-logstore", lines)
			if code := p.Wait(time.Minute); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// wantRelease fails unless the image has, byte for byte, what this machine builds outside of a container.
func wantRelease(t *testing.T, arch, root string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("go", "run", "./deploy/release", "-version", "v0.0.0-test", "-arch", arch, "-into", dir)
	cmd.Dir = project(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for made, file := range map[string]string{"out_sls_kafka.so": "fluent-bit/plugins/out_sls_kafka.so", "sls-check": "fluent-bit/bin/sls-check"} {
		if sum(t, filepath.Join(dir, made)) != sum(t, filepath.Join(root, file)) {
			t.Errorf("%s in the image is not the release's %s", file, made)
		}
	}
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(content)
}

// install copies a program of PATH.
func install(t *testing.T, program, to string) {
	t.Helper()
	from, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// The engine itself runs the image: Fluent Bit with the image's own configuration ships a log.
func TestEngineRunsImage(t *testing.T) {
	const lines = 100
	fluentBit := run.NeedFluentBit(t, "the image in an engine")
	needBuilder(t)
	ca, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	store, err := image.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	built, err := image.MakeIn(t.Context(), store, project(t), "", image.StandIns(fluentBit, ca.PEM()))
	if err != nil {
		t.Fatal(err)
	}
	s := serveHere(t, "my-logstore")
	n := newNode(t)
	log := n.containerLog(t, "shop", "cart-0", "cart")
	log.writeCRI(t, lines)
	container, err := store.Buildah(t.Context(), "from", "--pull-never", image.Local("made"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := store.Buildah(ctx, "run", append([]string{"--isolation", "chroot", "--volume", n.path("/var/log") + ":/var/log:ro",
			"--volume", t.TempDir() + ":/var/lib/fluent-bit",
			"--env", "SLS_PROJECT=" + slsProject, "--env", "SLS_LOGSTORE=my-logstore", "--env", "SLS_KAFKA_ENDPOINT=" + s.Addr(),
			"--env", "SLS_ACCESS_KEY_ID=" + keyID, "--env", "SLS_ACCESS_KEY_SECRET=" + keySecret, container, "--"}, built.Command()...)...)
		ended <- err
	}()
	landed := make(chan struct{})
	go func() { defer close(landed); wantLines(t, log, s.await(t, "my-logstore", lines)) }()
	select {
	case <-landed:
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	}
	stop()
	<-ended
}
