//go:build kafka

package kafka

import (
	"context"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/cmd/sls-check/probe"
	"out_sls_kafka/plugin/config"
)

var update = flag.Bool("update", false, "write the example report of sls-check -probe again")

var someFound = regexp.MustCompile(`\d+ of \d+ records found`)

const (
	probeExample = "../../cmd/sls-check/probe/testdata/kafka.md"
	probeGroup   = "sls-check"
)

// TestProbe asks a service that is not SLS what SLS is asked: sls-check -probe comes through, and finds what Apache
// Kafka does otherwise. Its report is an example in the sources.
func TestProbe(t *testing.T) {
	createTopic(t, "probe")
	createNamed(t, "probe")
	allowReading(t, "probe")
	properties := options{"project": project, "logstore": "probe", "endpoint": kafka.addresses()[0],
		"access_key_id": accessID, "access_key_secret": accessKey, "tls_ca_file": kafka.caFile, "request_timeout": "10s"}
	c, _, err := config.Parse(config.Source{Property: func(key string) string { return properties[key] }, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r, err := probe.Run(ctx, probe.Target{Config: c, Group: probeGroup, Sizes: true, Wait: time.Minute, Now: time.Now, Progress: func(text string) { t.Log(text) }})
	if err != nil {
		t.Fatal(err)
	}
	r.Date, r.Version = "2026-01-01T00:00:00Z", "dev"
	for i := range r.Rows {
		if r.Rows[i].ID != "api-versions" && r.Rows[i].Outcome != "" {
			r.Rows[i].Detail = "" // figures of this cluster
		}
		r.Rows[i].Outcome = someFound.ReplaceAllString(r.Rows[i].Outcome, "some of the records found") // leaders fall by chance
	}
	var b strings.Builder
	if err := r.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(probeExample, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(probeExample)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the report is not %s, which -update writes again:\n%s", probeExample, b.String())
	}
}

// allowReading lets the project read a topic in the probe's group.
func allowReading(t *testing.T, name string) {
	t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	for _, of := range []struct {
		kind kmsg.ACLResourceType
		name string
	}{{kmsg.ACLResourceTypeTopic, name}, {kmsg.ACLResourceTypeGroup, probeGroup}} {
		acl := kmsg.NewCreateACLsRequestCreation()
		acl.ResourceType, acl.ResourceName, acl.ResourcePatternType = of.kind, of.name, kmsg.ACLResourcePatternTypeLiteral
		acl.Principal, acl.Host = "User:"+project, "*"
		acl.Operation, acl.PermissionType = kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, acl)
	}
	resp, err := req.RequestWith(t.Context(), kafka.admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			t.Fatal(err)
		}
	}
}
