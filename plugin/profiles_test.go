package plugin

import (
	"bytes"
	"encoding/binary"
	"maps"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// stamped is a chunk whose events are of now: a service may refuse other times.
func stamped(chunk []byte) []byte {
	now := binary.BigEndian.AppendUint32([]byte{0xd7, 0x00}, uint32(time.Now().Unix()))
	return bytes.ReplaceAll(chunk, []byte{0xd7, 0x00, 0x4b, 0x3d, 0x3b, 0x00}, now)
}

// profileCase is a load that must land whole at whatever service SLS turns out to be.
type profileCase struct {
	faults     []sls.Fault
	shards     int
	options    map[string]string
	chunks     int
	text       string // of each record, 300 a chunk
	duplicates int    // at most
	old        int    // records of 2010 among the others
	rotate     bool   // the credentials are wrong for some time
}

var profileCases = map[string]profileCase{
	"steady":            {chunks: 20},
	"a storage error":   {chunks: 20, faults: []sls.Fault{{Name: "KAFKA_STORAGE_ERROR", Count: 5}}},
	"a network error":   {chunks: 20, faults: []sls.Fault{{Name: "NETWORK_EXCEPTION", Count: 5}}},
	"cut connections":   {chunks: 20, faults: []sls.Fault{{Name: sls.ConnectionCut, Count: 5}}},
	"lost answers":      {chunks: 20, faults: []sls.Fault{{Name: sls.ConnectionCutAfterWrite, Count: 3}}, duplicates: 3 * 20 * 300},
	"wrong credentials": {chunks: 5, rotate: true},
	"large and plain":   {chunks: 30, shards: 8, text: strings.Repeat("0123456789", 100), options: map[string]string{"compression": "none", "partitioner": "round_robin"}},
	"old among others":  {chunks: 10, old: 7},
}

// Nothing is lost at any of the services that SLS may be: what a service refuses for
// itself is rejected and counted, and everything else lands.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, profile := range sls.Profiles() {
		for name, c := range profileCases {
			t.Run(profile+"/"+name, bubbled(func(t *testing.T, network testNetwork) { c.run(t, network, profile) }))
		}
	}
}

func (c profileCase) run(t *testing.T, network testNetwork, profile string) {
	service := sls.Options{Shards: max(c.shards, 2), Faults: c.faults}
	if err := service.SetProfile(profile); err != nil {
		t.Fatal(err)
	}
	e, properties := network.startEndpoint(t, service)
	maps.Copy(properties, c.options)
	o, _ := network.startOutput(t, properties)
	if c.rotate {
		e.SetCredentials("demo-project", "other", "other")
	}
	l := newLoad(t, o, e)
	for range c.chunks {
		l.add(stamped(events(l.sent, 300, c.text)), 300)
	}
	if c.old > 0 {
		l.add(append(events(l.sent, c.old, "old"), stamped(events(l.sent+c.old, 50, "new"))...), c.old+50)
	}
	if c.rotate {
		time.Sleep(time.Minute)
		e.SetCredentials("demo-project", "demo-id", "demo-secret")
	}
	refused := 0
	if profile != sls.Lenient {
		refused = c.old
	}
	l.wantStored(refused, c.duplicates)
	if got := int(o.stats.rejected.Load()); got != refused {
		t.Errorf("%d records rejected, want %d", got, refused)
	}
}
