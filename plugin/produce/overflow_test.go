package produce

import (
	"fmt"
	"io"
	"strconv"
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

// In an outage that one partition sees before the others, records wait for their own: no other
// takes them either.
func TestOutageThatOnePartitionSeesFirst(t *testing.T) {
	o := options()
	o.Partitioner, o.HeldUpBytes = KeyHash, 2000
	inFakeTime(t, o, func(t *testing.T, p *Producer, c *fakeCluster, _ *fakeObserver) {
		away := map[int32]bool{}
		c.set(func() {
			c.leaders["logs"] = []int32{0, 1}
			c.noAnswer = func(broker int32) error {
				if away[broker] {
					return io.EOF
				}
				return nil
			}
		})
		owner, total := &fakeOwner{}, 0
		seconds := func(n int) {
			for range n {
				var records []Record
				for key := range 16 {
					records = append(records, Record{Topic: "logs", Key: []byte{byte('a' + key)}, Value: fmt.Append(nil, total)})
					total++
				}
				addFor(p, owner, records)
				time.Sleep(time.Second)
				p.Tick(time.Now())
			}
		}
		seconds(3)
		c.set(func() { away[1] = true })
		seconds(2) // the other one takes something since
		c.set(func() { away[0] = true })
		seconds(1) // the last request to be answered is
		from := total
		seconds(120)
		to := total
		c.set(func() { delete(away, 0) })
		seconds(60)
		c.set(func() { delete(away, 1) })
		time.Sleep(time.Minute)
		owner.want(t, total, 0, 0)
		home, elsewhere := make(map[string]int32), 0
		for _, r := range c.stored {
			at, ok := home[r.key]
			if !ok {
				home[r.key] = r.partition // of the seconds before
			}
			if n, _ := strconv.Atoi(r.value); n >= from && n < to && at != r.partition {
				elsewhere++
			}
		}
		if elsewhere > 0 {
			t.Errorf("%d records of %d are not where the others of their key are", elsewhere, to-from)
		}
	})
}
