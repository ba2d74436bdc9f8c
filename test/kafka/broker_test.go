//go:build kafka

package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopLimit is how long a broker may take to hand its partitions over and end.
const stopLimit = time.Minute

// broker is one node of the cluster, broker and controller in one process.
type broker struct {
	id   int
	host string
	// Ports: for clients (SASL_SSL), between brokers, of the controllers' quorum.
	client, inter, quorum int

	dir  string
	java []string // up to the main class

	process *exec.Cmd
	ended   chan struct{} // closed when process has ended
	down    bool          // ended by the test
}

// newBroker finds free ports. The address is the broker's own, apart from
// 127.0.0.1: a client that dials a broker which is down cannot be given the
// broker's port for its own end, and the broker finds it free when it returns.
func newBroker(id int, dir string) (*broker, error) {
	b := &broker{id: id, host: fmt.Sprintf("127.0.0.%d", 10+id), dir: dir}
	for _, port := range []*int{&b.client, &b.inter, &b.quorum} {
		l, err := net.Listen("tcp", b.host+":0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // held until all three are known
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return b, nil
}

func (b *broker) address() string { return fmt.Sprintf("%s:%d", b.host, b.client) }

func (b *broker) path(name string) string {
	return filepath.Join(b.dir, fmt.Sprintf("%s-%d", name, b.id))
}

// format prepares the data directory; a node does not start on an empty one.
func (b *broker) format(clusterID string) error {
	args := append(b.java[1:len(b.java):len(b.java)], "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", b.path("properties"))
	cmd := exec.Command(b.java[0], args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format broker %d: %w\n%s", b.id, err, tail(out))
	}
	return nil
}

// run starts the broker's process by way of start.
func (b *broker) run(start func(*exec.Cmd) error) error {
	log, err := os.OpenFile(b.path("log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	args := append(b.java[1:len(b.java):len(b.java)], "kafka.Kafka", b.path("properties"))
	cmd := exec.Command(b.java[0], args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := start(cmd); err != nil {
		return fmt.Errorf("start broker %d: %w", b.id, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how a killed process ended says nothing
		close(ended)
	}()
	b.process, b.ended, b.down = cmd, ended, false
	return nil
}

// kill ends the process as a crash does.
func (b *broker) kill() {
	if b.process != nil {
		b.down = true
		_ = b.process.Process.Kill() // fails only if it has ended
		<-b.ended
	}
}

// stop ends the process in order: partitions are handed over first.
func (b *broker) stop() error {
	b.down = true
	if err := b.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop broker %d: %w", b.id, err)
	}
	select {
	case <-b.ended:
		return nil
	case <-time.After(stopLimit):
		return fmt.Errorf("broker %d did not stop in %v", b.id, stopLimit)
	}
}

// crashed is an error with the end of the log if the process has ended on its own.
func (b *broker) crashed() error {
	select {
	case <-b.ended:
	default:
		return nil
	}
	if b.down {
		return nil
	}
	log, err := os.ReadFile(b.path("log"))
	return errors.Join(err, fmt.Errorf("broker %d has ended; the end of its log:\n%s", b.id, tail(log)))
}

// tail is the last lines of a text.
func tail(text []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-20):], []byte("\n"))
}

// configure writes the broker's properties.
func (b *broker) configure(all []*broker, pem, jaas string) error {
	var voters []string
	for _, o := range all {
		voters = append(voters, fmt.Sprintf("%d@%s:%d", o.id, o.host, o.quorum))
	}
	properties := []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", b.id),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		fmt.Sprintf("listeners=CLIENT://%[1]s:%[2]d,INTER://%[1]s:%[3]d,CONTROLLER://%[1]s:%[4]d", b.host, b.client, b.inter, b.quorum),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=INTER",
		"listener.security.protocol.map=CLIENT:SASL_SSL,INTER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + b.path("data"),

		"sasl.enabled.mechanisms=PLAIN",
		"listener.name.client.plain.sasl.jaas.config=" + jaas,
		"ssl.keystore.type=PEM",
		"ssl.keystore.location=" + pem,
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		// Only the brokers come without a name, on the listeners between them.
		"super.users=User:" + adminUser + ";User:ANONYMOUS",

		"auto.create.topics.enable=false",
		"default.replication.factor=3",
		"min.insync.replicas=2",
		"log.retention.ms=-1", // the records are years old
		// Leaders change where a test makes them, and at no other time.
		"auto.leader.rebalance.enable=false",
		// One small machine runs all three.
		"num.network.threads=2",
		"num.io.threads=4",
	}
	return os.WriteFile(b.path("properties"), []byte(strings.Join(properties, "\n")+"\n"), 0o600)
}
