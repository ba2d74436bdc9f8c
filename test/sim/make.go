package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/plugin"
	"out_sls_kafka/test/simkafka"
)

// weekOld is the age of records that a cluster with CheckAge refuses.
const weekOld = 10 * 24 * time.Hour

var filler = strings.Repeat("abcdefghij klmnopqrst uvwxyz 0123456789 ", 60000)

// shape decides how many records of how many bytes the next chunk has.
func (s *Scenario) shape(in *Input, first bool, r *rand.Rand) (records, size int) {
	switch in.Load {
	case Trickle:
		return 1, 40
	case Steady:
		return 100, 100
	case Backlog:
		return min(in.Lines, cmp.Or(in.Records, 12000)), 20
	case Names:
		return 1000, 1
	case Longs:
		return 10, 10
	case Fixed:
		return in.Records, in.Size
	case Spread:
		return 1 + r.IntN(40), 20
	case Peak:
		if first {
			return 90, 9000
		}
		return 1, 5
	case Squeeze:
		if r.IntN(2) == 0 {
			return 1 + r.IntN(60), 3000
		}
		return 1 + r.IntN(3000), r.IntN(10)
	}
	records, size = mixedShape(r)
	room := 4 << 20
	if in.Load == Light {
		room = 128 << 10
	}
	if limit := s.bufferLimit() / 8; limit < room {
		room = limit
	}
	size = min(size, room/2)
	return max(1, min(records, room/(size+60))), size
}

func mixedShape(r *rand.Rand) (records, size int) {
	switch k := r.IntN(100); {
	case k < 30:
		return 1, 5
	case k < 70:
		return 1 + r.IntN(20), r.IntN(200)
	case k < 92:
		return 50 + r.IntN(400), 50 + r.IntN(500)
	case k < 97:
		return 1 + r.IntN(1500), 1000
	case k < 98:
		return 1 + r.IntN(3), 900_000
	}
	return 2000 + r.IntN(4000), 20
}

// bufferLimit is the option buffer_limit in bytes.
func (s *Scenario) bufferLimit() int {
	text := s.Properties()["buffer_limit"]
	n, err := strconv.Atoi(strings.TrimSuffix(text, "M"))
	if err != nil {
		return 32 << 20
	}
	return n << 20
}

// make makes a chunk of an input. poison says that one record is poisoned.
func (w *world) make(in *Input, records, size int, poison bool, r *rand.Rand) *chunk {
	topic := in.Logstore + ".json"
	c := &chunk{topic: topic, records: records, result: plugin.Pending, fresh: in.Shift == 0 && in.BadEvery == 0 && in.Poison == 0 && in.Load != Names && in.Load != Longs}
	poisoned := -1
	if poison {
		poisoned, c.poison = records/2, true
	}
	c.number = w.cluster.Give(simkafka.Given{
		Records: records,
		Topic:   func(int) string { return topic },
		Poison:  func(i int) bool { return i == poisoned },
	})
	now := time.Now()
	for i := range records {
		if in.Load == Spread {
			size = spreadSize(r)
		}
		at := now.Add(in.Shift)
		if in.BadEvery > 0 && i%in.BadEvery == in.BadEvery/2 {
			at = now.Add(-weekOld)
		}
		c.mark(i, i == poisoned || w.CheckAge && w.refusesAge(at) || w.refusesSize(size))
		c.data = w.event(c.data, in, c.number*1e6+i, at, size, r)
	}
	c.bytes = len(c.data)
	c.key = keyOf(c.tag(), c.data)
	return c
}

// spreadSize is a size from 20 bytes to 1.9 MB; most are small.
func spreadSize(r *rand.Rand) int {
	return int(20 * math.Pow(95_000, math.Pow(r.Float64(), 4)))
}

func (c *chunk) mark(i int, bad bool) {
	if !bad {
		return
	}
	if c.bad == nil {
		c.bad = make([]bool, c.records)
	}
	c.bad[i], c.anyBad = true, true
}

// refusesAge tells whether the cluster refuses a record of that time always: it is old, or so far ahead
// that waiting is not asked for.
func (w *world) refusesAge(at time.Time) bool {
	age := time.Since(at)
	return age > maxAge+w.Skew || age < -time.Hour
}

// refusesSize tells whether the cluster may refuse a record of that size for itself.
func (w *world) refusesSize(size int) bool {
	for _, f := range w.Faults {
		if f.Kind == simkafka.TooLarge && size+300 > f.Size {
			return true
		}
	}
	return w.MaxBatch > 0 && size+300 > w.MaxBatch
}

func (w *world) event(b []byte, in *Input, id int, at time.Time, size int, r *rand.Rand) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	b = msgp.AppendUint32(b, uint32(at.Unix()))
	b = msgp.AppendMapHeader(b, 4)
	b = msgp.AppendString(b, "id")
	b = msgp.AppendInt(b, id)
	b = msgp.AppendString(b, "k")
	b = msgp.AppendString(b, strconv.Itoa(id%50))
	b = msgp.AppendString(b, "ns")
	switch in.Load {
	case Names:
		b = msgp.AppendString(b, "n"+strconv.Itoa(id))
	case Longs:
		b = msgp.AppendString(b, "n"+strconv.Itoa(id)+filler[:100_000])
	default:
		b = msgp.AppendString(b, in.Logstore)
	}
	b = msgp.AppendString(b, "log")
	from := r.IntN(len(filler) - size)
	return msgp.AppendString(b, filler[from:from+size])
}
