package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/simkafka"
	"out_sls_kafka/test/simnet"
	"out_sls_kafka/test/sls"
)

const project, accessKeyID = "demo-project", "demo-id"

func secret(n int) string { return fmt.Sprintf("demo-secret-%d", n) }

// start starts the cluster and the output.
func (w *world) start() error {
	w.stop, w.gaveUp, w.diskFreed, w.changed = make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	w.network, w.disk = simnet.New(), simdisk.New()
	ca, err := sls.NewCA()
	if err != nil {
		return err
	}
	certificate, err := ca.Issue([]string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	if err != nil {
		return err
	}
	options := simkafka.Options{Nodes: w.Nodes, Latency: w.Latency, MaxBatch: w.MaxBatch, RecordErrors: w.Named,
		TLS:  &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		User: project, Password: accessKeyID + "#" + secret(0)}
	if w.CheckAge {
		options.MaxAge, options.MaxAhead, options.Behind = maxAge, maxAhead, w.Skew
	}
	if w.cluster, err = simkafka.Start(w.network, options); err != nil {
		return err
	}
	for _, l := range w.Logstores {
		if l.From == 0 {
			w.cluster.AddTopic(l.Topic(), l.Shards)
		}
	}
	for _, f := range w.Faults {
		w.cluster.Fault(f)
	}
	return w.startOutput(ca)
}

func (w *world) startOutput(ca *sls.CA) error {
	if err := os.WriteFile(w.caFile(), ca.PEM(), 0o600); err != nil {
		return err
	}
	if err := w.writeCredentials(0); err != nil {
		return err
	}
	w.host = &host{start: time.Now()}
	w.cutRoom()
	if err := w.begin(w.newProcess()); err != nil {
		return err
	}
	w.life = w.current()
	return nil
}

// startingTime is how long Fluent Bit may wait for the start of an output, whatever its disk does.
const startingTime = 3 * time.Second

// begin starts an output of a process.
func (w *world) begin(p *process) error {
	properties := map[string]string{
		"project": project, "logstore": w.Logstores[0].Name, "endpoint": w.cluster.Addr(), "tls_ca_file": w.caFile(),
		"credentials_file": w.credentials(), "exit_timeout": "5s", "dead_letter_file": w.deadLetters(),
	}
	maps.Copy(properties, w.Properties())
	if w.Spool {
		properties["spool_path"] = "/disk" // for the log
	}
	cfg, _, err := config.Parse(config.Source{Property: func(k string) string { return properties[k] }, Getenv: func(string) string { return "" }})
	if err != nil {
		return err
	}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return p.dial(func() (net.Conn, error) { return w.network.Dial(ctx, network, address) })
	}
	l := &life{process: p, numbers: &numbers{}, began: w.now(), lines: w.host.count(), thrown: make(chan struct{})}
	l.log = plugin.NewLog(lifeLog{w, l}, "sim")
	env := plugin.Env{Log: l.log, Metrics: l.numbers, Interleave: w.interleave, Holding: p.holding, Leaving: l.leaving.Load}
	if w.Spool {
		env.Spool = p.mount
	}
	if l.out, err = plugin.New(cfg, env); err != nil {
		return err
	}
	if took := w.now() - l.began; took > startingTime {
		w.violate("start", "New took %v", took)
	}
	l.log.OnPending(nil) // as with flush_mode auto, where it wakes no chunk
	w.mu.Lock()
	w.lives = append(w.lives, l)
	w.mu.Unlock()
	w.setCurrent(l)
	return nil
}

// interleave lets others run in the middle of a computation, for as long as it takes a
// broker to answer some of them.
func (w *world) interleave() {
	time.Sleep(time.Duration(rand.Int64N(int64(2 * w.Latency))))
}

func (w *world) caFile() string { return filepath.Join(w.dir, "ca.pem") }

func (w *world) credentials() string { return filepath.Join(w.dir, "credentials") }

func (w *world) deadLetters() string { return filepath.Join(w.dir, "dead-letters") }

func (w *world) writeCredentials(n int) error {
	next := w.credentials() + ".next"
	if err := os.WriteFile(next, []byte(accessKeyID+"#"+secret(n)), 0o600); err != nil {
		return err
	}
	return os.Rename(next, w.credentials())
}
