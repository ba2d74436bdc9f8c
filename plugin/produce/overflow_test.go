package produce

import (
	"fmt"
	"testing"
	"time"
)

// Records whose partition fails take no more than their part of the room: those that come when
// it is full go to the others. The ones that wait land when the partition is back.
func TestWhatOnePartitionHoldsUp(t *testing.T) {
	o := options()
	o.Partitioner, o.HeldUpBytes = KeyHash, 2000
	inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		c.set(func() { c.leaders["logs"] = []int32{0, -1} })
		owner, total, size := &fakeOwner{}, 0, 0
		for second := range 120 {
			var records []Record
			for key := range 16 {
				r := Record{Topic: "logs", Key: []byte{byte('a' + key)}, Value: fmt.Append(nil, 1000+second, key)}
				records, size = append(records, r), max(size, RecordBytes(r.Key, r.Value))
			}
			addFor(p, owner, records)
			total += len(records)
			time.Sleep(time.Second)
			p.Tick(time.Now())
		}
		acked, _ := owner.count()
		if most := int(o.HeldUpBytes)/(size-8) + 32; total-acked > most { // what came before one had failed is not bounded
			t.Errorf("%d records of %d wait, at most %d may", total-acked, total, most)
		}
		if least := int(o.HeldUpBytes) / size / 2; total-acked < least {
			t.Errorf("%d records wait for their partition: it was given up before it had its part, %d", total-acked, least)
		}
		c.set(func() { c.leaders["logs"] = []int32{0, 1} })
		time.Sleep(2 * time.Minute)
		owner.want(t, total, 0, 0)
	})
}
