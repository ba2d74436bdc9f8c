package plugin

import (
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

func TestDelivery(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		l := newLoad(t, o, e)
		l.send(10, 1000)
		l.wantStored(0, 0)
		if got := e.Logs("demo")[0].Time.UTC(); got != time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC) {
			t.Errorf("record time %v", got)
		}
		h.wait("logstore demo of project demo-project is reachable", "2 shards")
	})
}
