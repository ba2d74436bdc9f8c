package sls

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
)

// Options say what an endpoint is like. The zero value is one node with logstore "demo" of two shards.
type Options struct {
	// Listen is the first node's host:port, by default 127.0.0.1 and a free port. Further nodes take the same host
	// and a free port. With an address of all interfaces, clients are referred to the address they came by.
	Listen string

	// Project is the SASL user name, AccessKeyID#AccessKeySecret the password. Defaults demo-project, demo-id,
	// demo-secret.
	Project, AccessKeyID, AccessKeySecret string

	Logstores []string // default "demo"
	Shards    int      // of each logstore, default 2
	Nodes     int      // brokers, default 1

	// Keep is how many logs of each logstore Logs returns, the newest; older ones are dropped, a record batch at a
	// time. 0 keeps all.
	Keep int

	// MaxMessageBytes is the largest record batch, as sent; others are refused with MESSAGE_TOO_LARGE. Default 10 MiB,
	// SLS's limit of a write (Alibaba, PutLogs); what its Kafka endpoint takes is not documented.
	MaxMessageBytes int

	// Quota of each shard; batches over it are refused with THROTTLING_QUOTA_EXCEEDED, SLS's own error over Kafka not
	// being documented. Clients older than Kafka 2.7 do not know it.
	Quota Quota

	// OverQuota are shards, of each logstore, that are over their quota all the time.
	OverQuota []int32

	// CheckTime refuses a batch with INVALID_TIMESTAMP for a record older than 168 hours or more than 15 minutes in the
	// future, as PutLogs does. Whether SLS's Kafka endpoint does is not documented.
	CheckTime bool

	// DiscardLogs counts and acknowledges logs but keeps none, so Logs is empty. Without OnLog the records inside a
	// batch are not looked at either: its checksum and header decide.
	DiscardLogs bool

	// RefuseSASL refuses wrong credentials with SASL_AUTHENTICATION_FAILED. Without it they pass SASL and every
	// topic answers TOPIC_AUTHORIZATION_FAILED, which is what Alibaba documents.
	RefuseSASL bool

	// Behaviour is what else the documents leave open.
	Behaviour Behaviour

	Faults []Fault // to begin with, see SetFault

	CA          *CA              // issues the certificate; a new one by default
	Certificate *tls.Certificate // server certificate to use instead of one issued by CA
	Hostnames   []string         // names in the issued certificate, default localhost, 127.0.0.1, ::1

	// ListenFunc makes the listener of a node, as net.Listen does, which is the default: in a network in memory, say.
	ListenFunc func(network, address string) (net.Listener, error)

	// WrapListener puts a listener under TLS, to count, stall or cut what crosses the wire. Called once a node.
	WrapListener func(net.Listener) net.Listener

	BrokerConfigs map[string]string // such as message.max.bytes, see kfake.BrokerConfigs

	// OnLog is called for each log as it lands, before it is acknowledged, and in order within a shard. Calls for one
	// logstore never overlap.
	OnLog func(Log)
}

const maxMessageBytesConfig = "message.max.bytes"

func (o *Options) setDefaults() {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.Project = cmp.Or(o.Project, "demo-project")
	o.AccessKeyID = cmp.Or(o.AccessKeyID, "demo-id")
	o.AccessKeySecret = cmp.Or(o.AccessKeySecret, "demo-secret")
	if len(o.Logstores) == 0 {
		o.Logstores = []string{"demo"}
	}
	o.Shards = cmp.Or(o.Shards, 2)
	o.Nodes = cmp.Or(o.Nodes, 1)
	if o.MaxMessageBytes == 0 && o.BrokerConfigs[maxMessageBytesConfig] == "" {
		o.MaxMessageBytes = 10 << 20
	}
	if len(o.Hostnames) == 0 {
		o.Hostnames = DefaultHostnames()
	}
	if o.ListenFunc == nil {
		o.ListenFunc = net.Listen
	}
}

// Check says what [Start] would refuse: everything but what only shows when it listens.
func (o Options) Check() error {
	o.setDefaults()
	return o.check()
}

func (o *Options) check() error {
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return fmt.Errorf("listen address %q: want host:port: %w", o.Listen, err)
	}
	for i, name := range o.Logstores {
		if err := checkLogstoreName(name); err != nil {
			return err
		}
		if slices.Contains(o.Logstores[:i], name) {
			return fmt.Errorf("logstore %q is named twice", name)
		}
	}
	if o.Shards < 1 || o.Nodes < 1 {
		return fmt.Errorf("%d shards, %d nodes: want at least one of each", o.Shards, o.Nodes)
	}
	for _, n := range []struct {
		what  string
		value int
	}{{"keep", o.Keep}, {"max message bytes", o.MaxMessageBytes}, {"quota of bytes", o.Quota.Bytes}, {"quota of writes", o.Quota.Writes}} {
		if n.value < 0 {
			return fmt.Errorf("%s: %d, want 0 or more", n.what, n.value)
		}
	}
	if err := o.Behaviour.check(); err != nil {
		return err
	}
	for _, f := range o.Faults {
		if err := f.check(); err != nil {
			return err
		}
		if f.Logstore != "" && !slices.Contains(o.Logstores, f.Logstore) {
			return fmt.Errorf("fault %s: logstore %q does not exist", f.Name, f.Logstore)
		}
	}
	return nil
}

// DefaultHostnames are the names in the certificate of an endpoint that is given none.
func DefaultHostnames() []string { return []string{"localhost", "127.0.0.1", "::1"} }
