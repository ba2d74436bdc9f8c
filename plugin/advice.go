package plugin

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/plugin/failure"
)

// where names the step at which the network failed.
func where(err error) string {
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

// topicError is an error about one topic: with logstore_key there are several.
type topicError struct {
	topic string
	err   error
}

func (e *topicError) Error() string { return e.err.Error() }
func (e *topicError) Unwrap() error { return e.err }

// about is the logstore that err is about.
func (c *Config) about(err error) string {
	if e, ok := errors.AsType[*topicError](err); ok {
		return c.logstore(e.topic)
	}
	return c.Logstore
}

// advice is what an operator reads: what is wrong and what to do about it.
func (c *Config) advice(k failure.Kind, err error) string {
	switch k {
	case failure.TLS:
		return fmt.Sprintf("TLS with %s failed: %v; check the certificate, tls_ca_file (%s) and tls_server_name; retrying", c.endpoints(), err, orSystem(c.tlsCAFile))
	case failure.Access:
		return fmt.Sprintf("the AccessKey is refused (%v): the pair is wrong, or lacks log:PostLogStoreLogs (and log:GetProject, log:GetLogStore, log:ListShards) on project %s and logstore %s; retrying", err, c.Project, c.about(err))
	case failure.NotFound:
		return fmt.Sprintf("project %s or logstore %s does not exist, or the endpoint %s is of another region (%v); retrying", c.Project, c.about(err), c.endpoints(), err)
	case failure.Service:
		return fmt.Sprintf("the service had an error (%v); retrying", err)
	case failure.Quota:
		return fmt.Sprintf("the service limits writes (%v): raise the quota of project %s or split the shards of logstore %s; retrying", err, c.Project, c.about(err))
	case failure.Size:
		return fmt.Sprintf("a batch is larger than the broker accepts (%v): lower max_message_bytes (%d) below the broker's limit; sending its records apart", err, c.MaxMessageBytes)
	case failure.Record:
		return fmt.Sprintf("the broker refuses a record (%v); sending the batch's records apart", err)
	case failure.Codec:
		return fmt.Sprintf("the broker refuses compression %s (%v): set compression gzip or none; sending these records uncompressed", c.Compression, err)
	case failure.Protocol:
		return fmt.Sprintf("the broker does not speak this protocol (%v): check kafka_version; retrying", err)
	case failure.NoAnswer:
		return fmt.Sprintf("no acknowledgement from %s: %v; retrying", c.endpoints(), err)
	}
	return fmt.Sprintf("cannot reach %s (%s): %v; retrying", c.endpoints(), where(err), err)
}

func orSystem(file string) string {
	if file == "" {
		return "unset: the system's roots"
	}
	return file
}
