//go:build kafka

package kafka

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"out_sls_kafka/test/sls"
)

// Users of the brokers. The project's password has the form SLS wants.
const (
	project   = "demo-project"
	accessID  = "demo-id"
	accessKey = "demo-secret"
	adminUser = "admin"
	adminPass = "admin-secret"
)

const (
	brokerCount = 3
	// readyLimit is how long the cluster may take for what takes seconds.
	readyLimit = 2 * time.Minute
	// poll is how often the cluster is asked whether something has happened.
	poll = 100 * time.Millisecond
)

// logging sends the brokers' log to their standard output.
const logging = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`

// cluster is three brokers and a client that may do everything.
type cluster struct {
	brokers []*broker
	caFile  string
	admin   *kgo.Client
	starts  chan func()
}

// startCluster starts the brokers and waits until they serve.
func startCluster(dir, jars string) (*cluster, error) {
	c := &cluster{caFile: filepath.Join(dir, "ca.pem"), starts: make(chan func())}
	go c.starter()
	if err := c.bringUp(dir, jars); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

func (c *cluster) bringUp(dir, jars string) error {
	for id := 1; id <= brokerCount; id++ {
		b, err := newBroker(id, dir)
		if err != nil {
			return err
		}
		c.brokers = append(c.brokers, b)
	}
	if err := c.writeFiles(dir, jars); err != nil {
		return err
	}
	if err := c.format(); err != nil {
		return err
	}
	for _, b := range c.brokers {
		if err := b.run(c.start); err != nil {
			return err
		}
	}
	var err error
	if c.admin, err = c.adminClient(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	return c.awaitServing(ctx)
}

// starter starts all processes from one thread that stays: the kernel kills
// them when the thread that started them ends, not when the process does.
func (c *cluster) starter() {
	runtime.LockOSThread()
	for f := range c.starts {
		f()
	}
}

func (c *cluster) start(cmd *exec.Cmd) error {
	done := make(chan error)
	c.starts <- func() { done <- cmd.Start() }
	return <-done
}

// writeFiles writes what the brokers read: certificates, properties, logging.
func (c *cluster) writeFiles(dir, jars string) error {
	ca, err := sls.NewCA()
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.caFile, ca.PEM(), 0o600); err != nil {
		return err
	}
	log4j := filepath.Join(dir, "log4j2.properties")
	if err := os.WriteFile(log4j, []byte(logging), 0o600); err != nil {
		return err
	}
	jaas := fmt.Sprintf(`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s" user_%s="%s";`,
		project, accessID+"#"+accessKey, adminUser, adminPass)
	for _, b := range c.brokers {
		certificate, err := ca.Issue([]string{b.host}, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
		if err != nil {
			return err
		}
		key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
		if err != nil {
			return err
		}
		both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})...)
		if err := os.WriteFile(b.path("pem"), both, 0o600); err != nil {
			return err
		}
		b.java = []string{"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-Dlog4j2.configurationFile=" + log4j, "-cp", filepath.Join(jars, "*")}
		if err := b.configure(c.brokers, b.path("pem"), jaas); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) format() error {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	done := make(chan error)
	for _, b := range c.brokers {
		go func() { done <- b.format(base64.RawURLEncoding.EncodeToString(id)) }()
	}
	var errs []error
	for range c.brokers {
		errs = append(errs, <-done)
	}
	return errors.Join(errs...)
}

// addresses are the brokers' addresses, as the option endpoint takes them.
func (c *cluster) addresses() []string {
	var all []string
	for _, b := range c.brokers {
		all = append(all, b.address())
	}
	return all
}

// adminClient is a client of the user that may do everything.
func (c *cluster) adminClient(opts ...kgo.Opt) (*kgo.Client, error) {
	pem, err := os.ReadFile(c.caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.addresses()...),
		kgo.DialTLSConfig(&tls.Config{RootCAs: roots}),
		kgo.SASL(plain.Auth{User: adminUser, Pass: adminPass}.AsMechanism()),
	}, opts...)...)
}

// end kills every broker: nothing of them is kept.
func (c *cluster) end() {
	if c.admin != nil {
		c.admin.Close()
	}
	for _, b := range c.brokers {
		b.kill()
	}
	close(c.starts)
}
