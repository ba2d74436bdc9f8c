package plugin

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/test/sls"
)

func TestOptionsAreTheTable(t *testing.T) {
	all := Options()
	if len(all) != len(options) {
		t.Fatalf("%d options, the table has %d", len(all), len(options))
	}
	var secret []string
	for i, o := range all {
		if o.Name != options[i].name {
			t.Errorf("option %d is %s, in the table %s", i, o.Name, options[i].name)
		}
		if o.Secret {
			secret = append(secret, o.Name)
		}
	}
	if want := []string{"access_key_id", "access_key_secret", "password"}; !slices.Equal(secret, want) {
		t.Errorf("secret are %v, want %v", secret, want)
	}
}

func TestInstead(t *testing.T) {
	for key, want := range map[string]string{"brokers": "endpoint", "topics": "logstore", "project": "", "nonsense": ""} {
		if got := Instead(key); got != want {
			t.Errorf("instead of %s: %q, want %q", key, got, want)
		}
	}
}

func TestResolveHonoursFamily(t *testing.T) {
	for network, want := range map[string]string{"tcp": "", "tcp4": "127.0.0.1", "tcp6": "::1"} {
		c := &Config{DialNetwork: network}
		for _, host := range []string{"127.0.0.1", "::1"} {
			got, err := c.Resolve(context.Background(), host)
			if fits := want == "" || want == host; fits != (err == nil) || fits && got[0].String() != host {
				t.Errorf("%s: %s resolves to %v, %v", network, host, got, err)
			}
		}
	}
}

// The options must produce on a broker of SLS's kind: one without idempotence.
func TestClientOptsProduce(t *testing.T) {
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, acks := range []string{"1", "all"} {
			e, properties := startEndpoint(t, sls.Options{})
			properties["compression"], properties["required_acks"] = compression, acks
			c := parse(t, properties)
			client, err := kgo.NewClient(c.ClientOpts()...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			r := &kgo.Record{Topic: c.Topic(c.Logstore), Value: []byte(`{"a":"b"}`)}
			if err := client.ProduceSync(ctx, r).FirstErr(); err != nil || e.Count("demo") != 1 {
				t.Errorf("compression %s, acks %s: %v, %d landed", compression, acks, err, e.Count("demo"))
			}
		}
	}
}

func TestAdviceForOneWhoDoesNotRetry(t *testing.T) {
	c := &Config{Project: "p-one", Logstore: "l-one", Endpoints: []string{"h:1"}}
	for want, err := range map[string]error{
		"lacks log:PostLogStoreLogs":   kerr.TopicAuthorizationFailed,
		"does not exist":               kerr.UnknownTopicOrPartition,
		"no acknowledgement from h:1":  fmt.Errorf("write: %w", context.DeadlineExceeded),
		"cannot reach h:1 (TCP)":       &net.OpError{Op: "dial", Err: net.ErrClosed},
		"cannot reach h:1 (DNS): look": &net.DNSError{Err: "no such host", Name: "h"},
	} {
		if got := c.Advice(err); !strings.Contains(got, want) || strings.Contains(got, "retrying") {
			t.Errorf("advice on %v: %q, want %q and no word of retrying", err, got, want)
		}
	}
}
