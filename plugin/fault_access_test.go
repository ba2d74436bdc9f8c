package plugin

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// Credentials that are refused and then accepted, after the operator has fixed
// them at the service's side.
func TestFaultCredentialsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		sasl  bool // refused by SASL, or by the topics, as SLS documents
		error string
	}{
		{"by SASL", true, "SASL_AUTHENTICATION_FAILED"},
		{"by the topics", false, "TOPIC_AUTHORIZATION_FAILED"},
	} {
		t.Run(row.name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{RefuseSASL: row.sasl})
			o, h := network.startOutput(t, properties)
			h.wait("reachable")
			l := newLoad(t, o, e)
			l.send(2, 500)
			l.flushes.Wait()
			e.SetCredentials("demo-project", "demo-id", "another-one")
			l.send(6, 500)
			h.wait("the AccessKey is refused", row.error, "log:PostLogStoreLogs", "project demo-project", "logstore demo")
			e.SetCredentials("demo-project", "demo-id", "demo-secret")
			l.wantStored(0, 0)
			wantRecovery(t, h, "the AccessKey is refused")
		}))
	}
}

// The same where they are refused from the start and nothing is sent: the
// incident is over when the endpoint says so, not when nothing happens.
func TestFaultCredentialsRefusedWhileIdle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		e.SetCredentials("demo-project", "demo-id", "another-one")
		_, h := network.startOutput(t, properties)
		h.wait("the AccessKey is refused", "TOPIC_AUTHORIZATION_FAILED")
		probes := e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Observe: true, Count: -1})
		time.Sleep(5 * recoveryWindow)
		if n := probes.Hits(); n < 3 {
			t.Errorf("%d probes in %v, want 3 or more", n, 5*recoveryWindow)
		}
		if n := h.count("works again"); n != 0 {
			t.Fatalf("it is said to work again while it does not")
		}
		e.SetCredentials("demo-project", "demo-id", "demo-secret")
		h.wait("delivery works again")
	})
}

// With healthcheck require a refusal ends the start, and nothing is left of it.
func TestHealthcheckRequire(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["healthcheck"] = "require"
		e.SetCredentials("demo-project", "demo-id", "another-one")
		log := NewLog(&memoryLogger{t: t}, "test")
		o, err := New(network.parse(t, properties), Env{Log: log})
		if o != nil || err == nil || !strings.Contains(err.Error(), "healthcheck require: the AccessKey is refused") || strings.Contains(err.Error(), "secret") {
			t.Errorf("output %v, error %v", o, err)
		}
		e.SetCredentials("demo-project", "demo-id", "demo-secret")
		_, h := network.startOutput(t, properties)
		h.wait("is reachable")
	})
}

// The check at the start looks at each logstore that an option names.
func TestHealthcheckLooksAtEachLogstore(t *testing.T) {
	t.Parallel()
	configure := func(t *testing.T, network testNetwork, healthcheck string, exist ...string) map[string]string {
		_, properties := network.startEndpoint(t, sls.Options{Logstores: exist})
		maps.Copy(properties, map[string]string{"logstore_metrics": "metrics", "logstore_traces": "traces", "healthcheck": healthcheck})
		return properties
	}
	wantReachable := func(t *testing.T, h *memoryLogger, names ...string) {
		t.Helper()
		for _, name := range names {
			h.wait("logstore " + name + " of project demo-project is reachable")
		}
		if n := h.count("reachable"); n != len(names) {
			t.Errorf("%d logstores are said to be reachable, want %q", n, names)
		}
	}
	t.Run("all are there", bubbled(func(t *testing.T, network testNetwork) {
		_, h := network.startOutput(t, configure(t, network, "require", "demo", "metrics", "traces"))
		wantReachable(t, h, "demo", "metrics", "traces")
	}))
	for missing, exist := range map[string][]string{"metrics": {"demo", "traces"}, "traces": {"demo", "metrics"}} {
		t.Run("require, without "+missing, bubbled(func(t *testing.T, network testNetwork) {
			cfg := network.parse(t, configure(t, network, "require", exist...))
			o, err := New(cfg, Env{Log: NewLog(&memoryLogger{t: t}, "test")})
			if o != nil || err == nil || !strings.Contains(err.Error(), "healthcheck require: project demo-project or logstore "+missing+" does not exist") {
				t.Errorf("output %v, error %v", o, err)
			}
		}))
		t.Run("on, without "+missing, bubbled(func(t *testing.T, network testNetwork) {
			o, h := network.startOutput(t, configure(t, network, "on", exist...))
			h.wait("project demo-project or logstore " + missing + " does not exist")
			wantReachable(t, h, exist...)
			if n := o.health.troubles(); n != 1 {
				t.Errorf("%d logstores are in trouble", n)
			}
			time.Sleep(2 * unknownIdleTimeout) // nobody sends there
			if n, known := o.health.troubles(), len(o.logstores.all()); n != 0 || known != 1 {
				t.Errorf("%d logstores are in trouble and %d remembered, when nothing came for them", n, known)
			}
			if n := h.count("does not exist"); n > 2 {
				t.Errorf("%d lines about a logstore that nothing is sent to", n)
			}
		}))
	}
	t.Run("off", bubbled(func(t *testing.T, network testNetwork) {
		o, h := network.startOutput(t, configure(t, network, "off", "demo"))
		time.Sleep(time.Minute)
		if n := h.count("reachable") + h.count("exist"); n != 0 || o.health.troubles() != 0 {
			t.Errorf("%d lines about logstores, %d in trouble", n, o.health.troubles())
		}
	}))
}

// An endpoint that is away is one failure, not one for each logstore.
func TestHealthcheckOfManyLogstoresWithoutAnEndpoint(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "metrics", "traces"}})
		e.Close()
		properties["logstore_metrics"], properties["logstore_traces"] = "metrics", "traces"
		o, h := network.startOutput(t, properties)
		h.wait("cannot reach")
		time.Sleep(30 * time.Second)
		if n := len(o.logstores.all()); n != 1 {
			t.Errorf("%d logstores are remembered, want the option logstore alone", n)
		}
	})
}

// credentialsFile names a file for a pair, and write replaces it.
func credentialsFile(t *testing.T) (file string, write func(joined string)) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "credentials")
	return file, func(joined string) {
		if err := os.WriteFile(file+".new", []byte(joined+"\n"), 0o600); err != nil {
			t.Error(err)
			return
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Error(err)
		}
	}
}

// useCredentialsFile has the pair of an output come from a file.
func useCredentialsFile(properties map[string]string, file string) {
	delete(properties, "access_key_id")
	delete(properties, "access_key_secret")
	properties["credentials_file"] = file
}

// The pair in credentials_file is replaced while the plugin runs. SLS refuses
// the old one on connections that stay open, so they must be made again.
func TestCredentialsRotation(t *testing.T) {
	t.Parallel()
	for name, sasl := range map[string]bool{"refused by SASL": true, "refused by the topics": false} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{RefuseSASL: sasl})
			file, write := credentialsFile(t)
			write("demo-id#demo-secret")
			useCredentialsFile(properties, file)
			o, h := network.startOutput(t, properties)
			h.wait("reachable")
			l := newLoad(t, o, e)
			l.send(2, 500)
			l.flushes.Wait()

			e.SetCredentials("demo-project", "new-id", "new-secret")
			l.send(6, 500)
			h.wait("the AccessKey is refused")
			write("new-id#new-secret")
			l.wantStored(0, 0)
			wantRecovery(t, h, "the AccessKey is refused")
			if !sasl && h.count("credentials_file", "has changed") == 0 {
				t.Error("no line says that the file has changed")
			}
		}))
	}
}

// A credentials_file that cannot be used is named as that, and not taken for trouble of
// the network; what is in it is never shown.
func TestCredentialsFileGoesBad(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		file, write := credentialsFile(t)
		write("demo-id#demo-secret")
		e, properties := network.startEndpoint(t, sls.Options{})
		useCredentialsFile(properties, file)
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		write("demo-secret without the id")
		if err := e.SetFault(sls.Fault{Name: sls.ConnectionCut, Count: 2}); err != nil {
			t.Fatal(err)
		}
		l := newLoad(t, o, e)
		l.send(2, 500)
		h.wait("credentials_file " + file + ": not of the form id#secret: no new connection until it is put right; retrying")
		write("demo-id#demo-secret")
		l.wantStored(0, 0)
	})
}

// acceptHook is a listener with something to do before the first connection is
// served.
type acceptHook struct {
	net.Listener
	first func()
	once  sync.Once
}

func (h *acceptHook) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	h.once.Do(h.first)
	return conn, err
}

// A connection that presents the new pair is not made again, though the file was
// replaced while it was being made: what is on its way there would come twice.
func TestCredentialsRotatedWhileConnecting(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		file, write := credentialsFile(t)
		write("demo-id#another-one")
		_, properties := network.startEndpoint(t, sls.Options{RefuseSASL: true, WrapListener: func(l net.Listener) net.Listener {
			return &acceptHook{Listener: l, first: func() { write("demo-id#demo-secret") }}
		}})
		useCredentialsFile(properties, file)
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		o.closeStaleSessions()
		o.log.Drain()
		if n := h.count("has changed"); n != 0 {
			t.Error("a connection with the new pair was given up")
		}
	})
}

func TestFaultTopicDeletedAndCreated(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "other"}})
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		before := newLoad(t, o, e)
		before.send(2, 500)
		before.wantStored(0, 0)
		if err := e.DeleteLogstore("demo"); err != nil { // with what was stored before
			t.Fatal(err)
		}
		l := newLoad(t, o, e)
		l.send(6, 500)
		h.wait("project demo-project or logstore demo does not exist", "UNKNOWN_TOPIC_OR_PARTITION", "another region")
		if err := e.CreateLogstore("demo"); err != nil {
			t.Fatal(err)
		}
		l.wantStored(0, 0)
		wantRecovery(t, h, "logstore demo does not exist")
	})
}

// With logstore_key the line names the logstore that is missing, and the
// others go on.
func TestFaultOneLogstoreOfSeveral(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		properties["logstore_key"] = "log"
		o, h := network.startOutput(t, properties)
		lab := events(0, 10, "lab")
		if r := o.Submit("test.tag", lab, make(channelWaker, 1), false).Advance(lab); r != Pending {
			t.Fatalf("result %d of records for a logstore that does not exist, want %d", r, Pending)
		}
		h.wait("logstore lab does not exist", "UNKNOWN_TOPIC_OR_PARTITION")
		if r := deliver(t, o, events(10, 10, "demo")); r != OK {
			t.Errorf("result %d of records for another logstore, want %d", r, OK)
		}
	})
}
