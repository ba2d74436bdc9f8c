package deploy

import (
	"context"
	"testing"
	"time"

	"out_sls_kafka/test/deploy/sandbox"
	"out_sls_kafka/test/sls"
)

// The service stands where SLS's internet endpoint of this project is: same name, same port.
const (
	slsProject = "my-project"
	slsRegion  = "cn-hangzhou"
	slsHost    = slsProject + "." + slsRegion + ".log.aliyuncs.com"
	slsPort    = "10012"
	keyID      = "demo-id"
	keySecret  = "demo-secret"
)

// service is a local SLS in a network of its own.
type service struct {
	*sls.Endpoint
	network *sandbox.Network
	ca      *sls.CA
	hosts   map[string]string

	checkTime bool // it refuses old records
}

// serve starts a service with these logstores. Records go to the first one by default.
func serve(t testing.TB, logstores ...string) *service {
	t.Helper()
	s := &service{network: sandbox.NewNetwork(t), hosts: map[string]string{slsHost: "127.0.0.1"}}
	var err error
	if s.ca, err = authority(); err != nil {
		t.Fatal(err)
	}
	s.start(t, logstores...)
	return s
}

// serveHere starts an endpoint in this process's own network, at any port.
func serveHere(t testing.TB, logstores ...string) *service {
	t.Helper()
	ca, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	e, err := sls.Start(sls.Options{Project: slsProject, AccessKeyID: keyID, AccessKeySecret: keySecret, Logstores: logstores, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return &service{Endpoint: e}
}

// start starts the endpoint, again after a Close.
func (s *service) start(t testing.TB, logstores ...string) {
	t.Helper()
	var err error
	s.network.Do(func() {
		s.Endpoint, err = sls.Start(sls.Options{
			Listen: "127.0.0.1:" + slsPort, Project: slsProject, AccessKeyID: keyID, AccessKeySecret: keySecret,
			Logstores: logstores, CA: s.ca, Hostnames: []string{slsHost, "127.0.0.1"}, CheckTime: s.checkTime,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
}

// await waits until n records are in the logstore and returns the fields of each.
func (s *service) await(t testing.TB, logstore string, n int) []sls.Log {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.WaitCount(ctx, logstore, n); err != nil {
		t.Fatalf("%v: %d of %d records in %s", err, s.Count(logstore), n, logstore)
	}
	return s.Logs(logstore)
}
