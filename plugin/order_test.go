package plugin

import (
	"encoding/json"
	"testing"

	"out_sls_kafka/test/sls"
)

// Where each record has its shard, the records of a shard are stored in the order in
// which they were added, while nothing fails.
func TestOrderWithinAShard(t *testing.T) {
	t.Parallel()
	for _, partitioner := range []string{"key_hash", "round_robin"} {
		t.Run(partitioner, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{Nodes: 2, Shards: 4})
			properties["partitioner"], properties["message_key_field"] = partitioner, "log"
			properties["max_message_bytes"] = "10K"
			o, _ := network.startOutput(t, properties)
			const chunks, n = 40, 200
			type flush struct {
				c     *Chunk
				w     channelWaker
				chunk []byte
			}
			var flushes []flush
			for i := range chunks {
				var chunk []byte
				for j := range n {
					chunk = append(chunk, events(i*n+j, 1, string(rune('a'+j%16)))...)
				}
				f := flush{w: make(channelWaker, 1), chunk: chunk}
				f.c = o.Submit("test.tag", chunk, f.w, false)
				f.c.Advance(chunk)
				flushes = append(flushes, f)
			}
			for _, f := range flushes {
				if r := await(f.c, f.w, f.chunk); r != OK {
					t.Fatalf("result %d", r)
				}
			}
			if got := o.stats.rejected.Load(); got != 0 {
				t.Logf("%d records rejected", got)
			}
			last, stored := map[int32]int{}, 0
			for _, l := range e.Logs("demo") {
				var r struct{ Seq int }
				if err := json.Unmarshal(l.Value, &r); err != nil {
					t.Fatal(err)
				}
				if before, ok := last[l.Shard]; ok && r.Seq <= before {
					t.Fatalf("shard %d: record %d after %d", l.Shard, r.Seq, before)
				}
				last[l.Shard] = r.Seq
				stored++
			}
			t.Logf("FIGURES %d records on %d shards in order, %d requests", stored, len(last), e.ProduceRequests())
			if stored != chunks*n || len(last) < 2 {
				t.Errorf("%d records stored on %d shards, want %d on several", stored, len(last), chunks*n)
			}
		}))
	}
}
