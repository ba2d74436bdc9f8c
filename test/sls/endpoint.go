// Package sls is a local stand-in for the Kafka-compatible endpoint of Alibaba Cloud Simple Log Service (SLS), for
// tests, the demo, and whoever tries a configuration before paying for it.
//
// Clients meet the endpoint's own front: TLS with a certificate it makes, SASL PLAIN, and the authorisation of every
// request by the credentials of its connection. Behind it kfake, the fake broker of franz-go, speaks Kafka 2.1 and
// keeps the offsets. The front reads the broker's answer to every produce request before it goes out and takes into the
// logstore only what the broker appended, so what Count and Logs say is what a client was, or would have been, told.
package sls

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Endpoint is a running endpoint. Its methods may be called from several goroutines; those that read what landed
// work after Close too.
type Endpoint struct {
	options      Options
	ca           *CA
	tls          *tls.Config
	cluster      *kfake.Cluster
	addr         string
	decompressor kgo.Decompressor

	credentials     atomic.Pointer[credentials]
	refuseSASL      atomic.Bool
	produceRequests atomic.Int64
	bytesIn         atomic.Int64
	delay           ackDelay
	faults          faults
	inside          []*insideConn // one to each node

	mu        sync.Mutex
	logstores map[string]*logstore
	conns     map[*conn]struct{}
	closed    bool
	running   sync.WaitGroup // goroutines of connections
}

// Start starts an endpoint; the caller must Close it.
func Start(options Options) (*Endpoint, error) {
	options.setDefaults()
	if err := options.check(); err != nil {
		return nil, err
	}
	e := &Endpoint{
		options:      options,
		ca:           options.CA,
		decompressor: kgo.DefaultDecompressor(),
		logstores:    make(map[string]*logstore),
		conns:        make(map[*conn]struct{}),
	}
	e.delay.changed = make(chan struct{})
	e.SetCredentials(options.Project, options.AccessKeyID, options.AccessKeySecret)
	e.SetRefuseSASL(options.RefuseSASL)
	for _, name := range options.Logstores {
		e.logstores[name] = newLogstore(name, options.Shards, options.Keep)
	}
	for _, f := range options.Faults {
		if err := e.SetFault(f); err != nil {
			return nil, err
		}
	}
	if err := e.prepareTLS(); err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(e.brokerOptions()...)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	e.cluster = cluster
	e.addr = cluster.ListenAddrs()[0]
	return e, nil
}

func (e *Endpoint) prepareTLS() error {
	if e.ca == nil {
		ca, err := NewCA()
		if err != nil {
			return err
		}
		e.ca = ca
	}
	certificate := e.options.Certificate
	if certificate == nil {
		now := time.Now()
		issued, err := e.ca.Issue(e.options.Hostnames, now.Add(-time.Hour), now.AddDate(1, 0, 0))
		if err != nil {
			return err
		}
		certificate = &issued
	}
	e.tls = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	return nil
}

// brokerOptions make kfake the broker of the specification: Kafka 2.1 without InitProducerID, and without leave for
// anything but writing to topics that exist, and reading in groups; adding partitions is for the endpoint alone, the front keeps clients from
// it. kfake does no SASL here, the front does; ANONYMOUS is its name for the user of a connection without SASL. It stores
// nothing, since the logstores do.
func (e *Endpoint) brokerOptions() []kfake.Opt {
	version := kversion.V2_1_0()
	behaviour := &e.options.Behaviour
	if !behaviour.Idempotence {
		version.SetMaxKeyVersion(kmsg.InitProducerID.Int16(), -1)
	}
	if v := behaviour.MaxProduceVersion; v > 0 {
		version.SetMaxKeyVersion(kmsg.Produce.Int16(), v)
	}
	var topics []string
	for _, name := range e.options.Logstores {
		topics = append(topics, topicsOf(name)...)
	}
	configs := maps.Clone(e.options.BrokerConfigs)
	if n := e.options.MaxMessageBytes; n > 0 {
		if configs == nil {
			configs = make(map[string]string)
		}
		configs[maxMessageBytesConfig] = strconv.Itoa(n)
	}
	allow := func(resource kmsg.ACLResourceType, operation kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{
			Resource:  resource,
			Name:      "*",
			Pattern:   kmsg.ACLResourcePatternTypeLiteral,
			Operation: operation,
			Allow:     true,
		}
	}
	return []kfake.Opt{
		kfake.NumBrokers(e.options.Nodes),
		kfake.ClusterID("sls"),
		kfake.MaxVersions(version),
		kfake.SeedTopics(int32(e.options.Shards), topics...),
		kfake.BrokerConfigs(configs),
		kfake.BlackholeProduce(),
		kfake.EnableACLs(),
		kfake.User("PLAIN", "ANONYMOUS", "",
			allow(kmsg.ACLResourceTypeTopic, kmsg.ACLOperationWrite), // implies Describe
			allow(kmsg.ACLResourceTypeTopic, kmsg.ACLOperationAlter),
			allow(kmsg.ACLResourceTypeTopic, kmsg.ACLOperationRead),
			allow(kmsg.ACLResourceTypeGroup, kmsg.ACLOperationRead),
		),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return e.listen(network)
		}),
	}
}

// Project is the SLS project, the SASL user name the endpoint began with.
func (e *Endpoint) Project() string { return e.options.Project }

// Addr is the first node's host:port.
func (e *Endpoint) Addr() string { return e.addr }

// CA is the endpoint's certificate authority.
func (e *Endpoint) CA() *CA { return e.ca }

// CAPEM is the certificate that clients must trust.
func (e *Endpoint) CAPEM() []byte { return e.ca.PEM() }

// Cluster is the broker behind the front, for fault tests: its Fault and ControlKey see every request but the SASL
// ones, after the front let it through. It stores no records: a consumer finds nothing.
func (e *Endpoint) Cluster() *kfake.Cluster { return e.cluster }

// ProduceRequests is how many produce requests came in, whatever became of them.
func (e *Endpoint) ProduceRequests() int { return int(e.produceRequests.Load()) }

// BytesIn is how many bytes of requests came in, without TLS's own.
func (e *Endpoint) BytesIn() int64 { return e.bytesIn.Load() }

// Close cuts every connection, ends the endpoint and returns when its goroutines have ended. What landed stays
// readable.
func (e *Endpoint) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		e.running.Wait()
		return
	}
	e.closed = true
	conns := slices.Collect(maps.Keys(e.conns))
	logstores := slices.Collect(maps.Values(e.logstores))
	e.mu.Unlock()
	e.cluster.Close()
	for _, c := range conns {
		_ = c.Close() // it is cut; whether the peer heard of it does not matter
	}
	e.running.Wait()
	for _, s := range logstores {
		s.end(errClosed)
	}
}
