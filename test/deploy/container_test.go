package deploy

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/deploy/sandbox"
	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// Both commands of docs/install.md run as they stand there, each on log files of its runtime.
func TestDocumentedCommandsShipLogs(t *testing.T) {
	const lines = 1000
	commands := dockerRuns(t)
	if len(commands) != 2 {
		t.Fatalf("docs/install.md has %d commands docker run, want one for the CRI and one for Docker", len(commands))
	}
	for i, runtime := range []string{"CRI", "Docker"} {
		t.Run(runtime, func(t *testing.T) {
			agent := agentImage(t)
			s := serve(t, "my-logstore")
			n := newNode(t)
			var log *containerLog
			if runtime == "CRI" {
				log = n.containerLog(t, "shop", "cart-0", "cart")
				log.writeCRI(t, lines)
			} else {
				log = n.dockerLog(t)
				log.writeDocker(t, lines)
			}
			c := commands[i].container(t, agent, s, n)
			p := sandbox.Start(t, c)
			wantLines(t, log, s.await(t, "my-logstore", lines))
			wantHealthy(t, s.network)
			// docker exec, as the document has it.
			c.Args = []string{"/fluent-bit/bin/sls-check", "-c", "/fluent-bit/etc/fluent-bit.yaml", "-online"}
			if check := sandbox.Start(t, c); check.Wait(time.Minute) != 0 {
				t.Errorf("sls-check:\n%s", check.Output())
			}
			if code := p.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// What the container keeps in its volume makes the next one go on where this one stopped.
func TestContainerGoesOnWhereItStopped(t *testing.T) {
	agent := agentImage(t)
	s := serve(t, "my-logstore")
	n := newNode(t)
	log := n.containerLog(t, "shop", "cart-0", "cart")
	c := dockerRuns(t)[0].container(t, agent, s, n)
	log.writeCRI(t, 100)
	first := sandbox.Start(t, c)
	s.await(t, "my-logstore", 100)
	first.Stop()
	log.writeCRI(t, 100)
	sandbox.Start(t, c)
	wantLines(t, log, s.await(t, "my-logstore", 200))
}

// What SLS does not take is kept in the volume.
func TestContainerKeepsRejectedRecords(t *testing.T) {
	agent := agentImage(t)
	s := serve(t, "my-logstore")
	s.Close()
	s.checkTime = true
	s.start(t, "my-logstore")
	n := newNode(t)
	log := n.containerLog(t, "shop", "cart-0", "cart")
	log.writeCRI(t, 10) // older than SLS takes
	c := dockerRuns(t)[0].container(t, agent, s, n)
	p := sandbox.Start(t, c)
	volume := slices.IndexFunc(c.Mounts, func(m sandbox.Mount) bool { return m.Path == "/var/lib/fluent-bit" })
	var kept []byte
	for end := time.Now().Add(time.Minute); bytes.Count(kept, []byte("\n")) < 10 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		kept, _ = os.ReadFile(filepath.Join(c.Mounts[volume].Host, "rejected.jsonl"))
	}
	for i := range log.next {
		if text := "line " + strconv.Itoa(i) + " of cart-0"; bytes.Count(kept, []byte(text)) != 1 {
			t.Errorf("%q is kept %d times", text, bytes.Count(kept, []byte(text)))
		}
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The endpoint may be given instead of the region, and a file instead of the pair.
func TestContainerVariables(t *testing.T) {
	agent := agentImage(t)
	s := serve(t, "my-logstore")
	n := newNode(t)
	log := n.containerLog(t, "shop", "cart-0", "cart")
	log.writeCRI(t, 10)
	c := dockerRuns(t)[0].container(t, agent, s, n)
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte(keyID+"#"+keySecret+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	c.Mounts = append(c.Mounts, sandbox.Mount{Host: file, Path: "/run/secrets/sls", ReadOnly: true})
	c.Env = []string{"SLS_PROJECT=" + slsProject, "SLS_LOGSTORE=my-logstore", "SLS_REGION=", "SLS_CREDENTIALS_FILE=/run/secrets/sls",
		"SLS_KAFKA_ENDPOINT=" + slsHost + ":" + slsPort}
	sandbox.Start(t, c)
	wantLines(t, log, s.await(t, "my-logstore", 10))
}

// Where a variable is missing or empty the container ends at once and says what is missing.
func TestContainerSaysWhatIsMissing(t *testing.T) {
	full := map[string]string{"SLS_PROJECT": slsProject, "SLS_LOGSTORE": "my-logstore", "SLS_REGION": slsRegion,
		"SLS_ACCESS_KEY_ID": keyID, "SLS_ACCESS_KEY_SECRET": keySecret}
	says := map[string]string{
		"SLS_PROJECT":           "option project: missing",
		"SLS_LOGSTORE":          "option logstore: missing",
		"SLS_REGION":            "option endpoint/region: missing; allowed: one of the two",
		"SLS_ACCESS_KEY_ID":     "option access_key_id: missing",
		"SLS_ACCESS_KEY_SECRET": "option access_key_secret: missing",
	}
	cases := [][]string{slices.Sorted(maps.Keys(full))} // all, then each alone
	for _, v := range cases[0] {
		cases = append(cases, []string{v})
	}
	for _, without := range cases {
		t.Run(strings.Join(without, ","), func(t *testing.T) {
			env := maps.Clone(full)
			for i, v := range without {
				if delete(env, v); i == 0 {
					env[v] = "" // the same as none
				}
			}
			code, p := endOfContainer(t, env)
			if code == 0 {
				t.Error("it ended without an error")
			}
			for v, text := range says {
				if missing := slices.Contains(without, v); (p.Count(text) > 0) != missing {
					t.Errorf("%s is missing: %v; the log says %q %d times", v, missing, text, p.Count(text))
				}
			}
			if strings.Contains(p.Output(), keySecret) {
				t.Error("the log shows the secret")
			}
		})
	}
}

// endOfContainer runs the image with this environment and nothing else until it ends.
func endOfContainer(t *testing.T, env map[string]string) (code int, p *run.TestProcess) {
	t.Helper()
	agent := agentImage(t)
	p = sandbox.Start(t, sandbox.Container{Root: agent.Root, Args: agent.Command(), Env: environment(env),
		Mounts: []sandbox.Mount{{Host: t.TempDir(), Path: "/var/lib/fluent-bit"}}})
	return p.Wait(20 * time.Second), p
}

// The init container copies the plugin into a volume, as the user that its image names.
func TestPluginImageCopiesThePlugin(t *testing.T) {
	plugin := pluginImage(t)
	var uid, gid int
	if _, err := fmt.Sscanf(plugin.Config.User, "%d:%d", &uid, &gid); err != nil || uid == 0 {
		t.Fatalf("user %q, want numbers, and not root: %v", plugin.Config.User, err)
	}
	volume := t.TempDir()
	if err := os.Chown(volume, uid, gid); err != nil {
		t.Skipf("not root: %v", err)
	}
	p := sandbox.Start(t, sandbox.Container{Root: plugin.Root, Args: plugin.Command(), ReadOnlyRoot: true, NoNewPrivileges: true,
		UID: uid, GID: gid, Mounts: []sandbox.Mount{{Host: volume, Path: "/plugins"}}})
	if code := p.Wait(20 * time.Second); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, callback := range []string{"FLBPluginRegister", "FLBPluginInit", "FLBPluginFlushCtx"} {
		wantSymbol(t, filepath.Join(volume, "out_sls_kafka.so"), callback)
	}
}

func wantSymbol(t *testing.T, path, name string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil || !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == name }) {
		t.Errorf("%s does not export %s: %v", filepath.Base(path), name, err)
	}
}

func environment(env map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// wantLines fails unless each line of the log landed exactly once, whole, with its own time.
func wantLines(t *testing.T, log *containerLog, landed []sls.Log) {
	t.Helper()
	times := make(map[string]time.Time)
	for _, l := range landed {
		fields := fieldsOf(t, l)
		text := strings.TrimSuffix(fields["log"], "\n")
		if _, again := times[text]; again {
			t.Errorf("landed twice: %q", text)
		}
		times[text] = l.Time
		for _, name := range []string{"stream", "time", "@timestamp", "file"} {
			if fields[name] == "" {
				t.Fatalf("record %s has no field %s", l.Value, name)
			}
		}
		// docs/install.md lists all.
		for name := range fields {
			if !slices.Contains([]string{"log", "stream", "time", "@timestamp", "file", "_p"}, name) {
				t.Fatalf("record %s has the field %s, which docs/install.md does not list", l.Value, name)
			}
		}
	}
	for i := range log.next {
		at, ok := times[log.text(i)]
		if want := lineTime(i).Truncate(time.Millisecond); !ok || !at.Equal(want) {
			t.Fatalf("line %d, %q: landed %v with time %v, want %v", i, log.text(i), ok, at, want)
		}
	}
	if len(times) != log.next {
		t.Errorf("%d lines landed, want %d", len(times), log.next)
	}
}

// fieldsOf is a record's fields as SLS makes them.
func fieldsOf(t *testing.T, l sls.Log) map[string]string {
	t.Helper()
	fields := make(map[string]string)
	for _, f := range l.Fields() {
		fields[f.Key] = f.Value
	}
	return fields
}

func wantHealthy(t *testing.T, n *sandbox.Network) {
	t.Helper()
	r, err := n.Client().Get("http://127.0.0.1:2020/api/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "ok" {
		t.Errorf("health: %s %q %v", r.Status, body, err)
	}
}
