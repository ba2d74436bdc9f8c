package plugin

import (
	"testing"
	"time"

	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/sls"
)

// being stored, nor the end, and cost no CPU.
func TestDetachedChunksAreNoneOfTheSpools(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, _, f := network.spooling(t, storeProperties(properties, "logstore_key", ""), simdisk.New(), Env{})
		e.DelayAcks(24 * time.Hour)
		for i := range 40 {
			chunk := events(i, 1, "detached")
			c := o.Submit("tag", chunk, make(channelWaker, 1), false)
			if r := c.Advance(chunk); r != Pending {
				t.Fatalf("result %d", r)
			}
			c.Detach(chunk)
		}
		for i := range 40 {
			f.give("any", events(40+i, 1, "x"))
		}
		time.Sleep(10 * time.Second)
		if _, _, waiting := f.longest("any"); waiting > 16 {
			t.Errorf("%d chunks are held", waiting)
		}
		e.DelayAcks(0)
		f.wg.Wait()
	})
}
