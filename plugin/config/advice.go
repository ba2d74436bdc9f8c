package config

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/plugin/display"
	"out_sls_kafka/plugin/failure"
)

// failedStep returns the name of the step at which the network failed.
func failedStep(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "DNS"
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err) {
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "TCP"
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		return "closed by the endpoint"
	}
	return "network"
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

// remedy is what to look at if the network fails at a step that has one.
func remedy(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return ": check region, endpoint and project, which make this name"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return ": check that this node may connect there"
	}
	return ""
}

// Advice returns what an operator reads about an error: what failed, for which
// logstore, what to do, and what happens next.
func (c *Config) Advice(logstore string, err error) string {
	said := display.Part(c.Secrets.Hide(err.Error())) // by whoever answers, whose certificate may be nobody's
	switch failure.Of(err).Kind {
	case failure.TLS:
		if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
			return fmt.Sprintf("what listens at %s does not speak TLS (%s): check the port of endpoint; SLS has 10012 for the internet and 10011 for the intranet; retrying", c.Addresses(), said)
		}
		return fmt.Sprintf("TLS with %s failed: %s; check the certificate, tls_ca_file (%s) and tls_server_name; retrying", c.Addresses(), said, caFileText(c.tlsCAFile))
	case failure.Access:
		return fmt.Sprintf("the AccessKey is refused (%s): the pair is wrong, or lacks log:PostLogStoreLogs (and log:GetProject, log:GetLogStore, log:ListShards) on project %s and logstore %s; retrying", said, c.Project, logstore)
	case failure.NotFound:
		return fmt.Sprintf("project %s or logstore %s does not exist, or the endpoint %s is of another region (%s); retrying", c.Project, logstore, c.Addresses(), said)
	case failure.Service, failure.Leader:
		return fmt.Sprintf("logstore %s: the service had an error (%s); retrying", logstore, said)
	case failure.File:
		return fmt.Sprintf("%s: no new connection until it is put right; retrying", said)
	case failure.Quota:
		return fmt.Sprintf("the service limits writes (%s): raise the quota of project %s or split the shards of logstore %s; retrying", said, c.Project, logstore)
	case failure.Size:
		return fmt.Sprintf("logstore %s: a batch is larger than the broker accepts (%s): lower max_message_bytes (%d) below the broker's limit if this repeats; dividing it, and making the next ones smaller", logstore, said, c.MaxMessageBytes)
	case failure.Record:
		return fmt.Sprintf("logstore %s: the broker refuses a record (%s); dividing its batch to find it", logstore, said)
	case failure.Codec:
		return fmt.Sprintf("logstore %s: the broker refuses compression %s (%s): set compression gzip or none; sending uncompressed for ten minutes", logstore, c.Compression, said)
	case failure.Protocol:
		return fmt.Sprintf("the broker does not speak this protocol (%s): check kafka_version; retrying", said)
	case failure.NoAnswer:
		return fmt.Sprintf("no acknowledgement from %s: %s; retrying", c.Addresses(), said)
	case failure.ForeignBroker:
		return fmt.Sprintf("no connection is made to a broker that %s names (%s): add it to broker_hosts if it is one of the service; retrying", c.Addresses(), said)
	}
	return fmt.Sprintf("cannot reach %s (%s): %s%s; retrying", c.Addresses(), failedStep(err), said, remedy(err))
}

// AdviceWithoutRetry is Advice for a caller that does not retry: without what happens
// next, which is what stands after the last semicolon.
func (c *Config) AdviceWithoutRetry(logstore string, err error) string {
	if _, network := errors.AsType[*net.OpError](err); !network && errors.Is(err, context.DeadlineExceeded) {
		err = failure.ErrNoAnswer // the connection was made, for dialing has errors of its own
	}
	text := c.Advice(logstore, err)
	return text[:strings.LastIndex(text, "; ")]
}

func caFileText(file string) string {
	if file == "" {
		return "unset: the system's roots"
	}
	return file
}
