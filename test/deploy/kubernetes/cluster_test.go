package kubernetes

import (
	"context"
	"io"
	"testing"
	"time"

	"out_sls_kafka/test/deploy/sandbox"
	"out_sls_kafka/test/sls"
)

// The local endpoint stands where SLS's internet endpoint of the project is: same name, same port.
const (
	slsProject = "my-project"
	slsHost    = slsProject + ".cn-hangzhou.log.aliyuncs.com"
	slsPort    = "10012"
	keyID      = "demo-id"
	keySecret  = "demo-secret"
)

// cluster is a node, an API server and SLS in a network of their own.
type cluster struct {
	*sls.Endpoint
	network *sandbox.Network
	hosts   map[string]string
	node    *node
	api     *apiServer
}

// newCluster makes one for these objects, with these logstores in SLS.
func newCluster(t testing.TB, o objects, logstores ...string) *cluster {
	t.Helper()
	c := &cluster{network: sandbox.NewNetwork(t), hosts: map[string]string{slsHost: "127.0.0.1"}, node: &node{t.TempDir()}}
	c.serveAPI(t, o.rules(o.daemonSet(t).Spec.Template.Spec.ServiceAccountName))
	c.serveSLS(t, logstores...)
	return c
}

// serveSLS starts the endpoint, again after a Close.
func (c *cluster) serveSLS(t testing.TB, logstores ...string) {
	t.Helper()
	ca, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	c.network.Do(func() {
		c.Endpoint, err = sls.Start(sls.Options{
			Listen: "127.0.0.1:" + slsPort, Project: slsProject, AccessKeyID: keyID, AccessKeySecret: keySecret,
			Logstores: logstores, CA: ca, Hostnames: []string{slsHost, "127.0.0.1"}, CheckTime: true,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
}

// await waits until n records are in the logstore and returns the fields of each.
func (c *cluster) await(t testing.TB, logstore string, n int) (records []map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.WaitCount(ctx, logstore, n); err != nil {
		t.Fatalf("%v: %d of %d records in %s", err, c.Count(logstore), n, logstore)
	}
	for _, l := range c.Logs(logstore) {
		fields := make(map[string]string)
		for _, f := range l.Fields() {
			fields[f.Key] = f.Value
		}
		records = append(records, fields)
	}
	return records
}

// get asks the pod, at a port.
func (c *cluster) get(t testing.TB, port, path string) (status int, body string) {
	t.Helper()
	r, err := c.network.Client().Get("http://127.0.0.1:" + port + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}
