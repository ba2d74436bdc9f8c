package probe

import (
	"fmt"
	"strings"
	"time"
)

// valueExperiments write to the topic that asks for JSON to be expanded.
func valueExperiments() []experiment {
	const part = "values"
	value := func(id, asks, local string, value func(p *prober) string) experiment {
		return experiment{id: id, part: part, asks: asks, local: local, sample: func(p *prober) sample {
			return sample{write: p.one(true, record{value: []byte(value(p))}), says: p.fields}
		}}
	}
	object := func(id, asks, local, more string) experiment {
		return value(id, asks, local, func(p *prober) string { return string(p.object(more).value) })
	}
	return []experiment{
		value("value-not-json", "a text that is not JSON", "content=MARK is not JSON", func(p *prober) string { return p.mark + " is not JSON" }),
		value("value-array", "an array", `content=["MARK",1]`, func(p *prober) string { return `["` + p.mark + `",1]` }),
		value("value-scalar", "a JSON string", `content="MARK"`, func(p *prober) string { return `"` + p.mark + `"` }),
		object("value-nested", "a nested object", `a={"b":{"c":[1,"x"]}}`, `,"a":{"b":{"c":[1,"x"]}}`),
		object("value-null", "null", "a=null", `,"a":null`),
		object("value-number", "numbers", "a=12345678901234567890, b=1.50", `,"a":12345678901234567890,"b":1.50`),
		object("value-boolean", "booleans", "a=true, b=false", `,"a":true,"b":false`),
		{id: "value-empty", part: part, asks: "an empty object", local: "no fields", sample: (*prober).emptyObject},
		object("value-duplicates", "a key that stands twice", "a=1, a=2", `,"a":"1","a":"2"`),
		object("value-1000-keys", "1,000 keys", "1000 fields", manyKeys(1000)),
		object("value-key-128", "a key of 128 bytes", "(128 bytes)=x", `,"`+strings.Repeat("k", 128)+`":"x"`),
		object("value-key-129", "a key of 129 bytes", "(129 bytes)=x", `,"`+strings.Repeat("k", 129)+`":"x"`),
		object("value-reserved", "keys that SLS reserves", "__source__=PROBE, __tag__:a=PROBE, __time__=PROBE, __topic__=PROBE",
			`,"__source__":"PROBE","__tag__:a":"PROBE","__time__":"PROBE","__topic__":"PROBE"`),
		object("value-1-mb", "a value of 1,000,000 bytes", "a=(1000000 bytes)", `,"a":"`+strings.Repeat("x", 1_000_000)+`"`),
		object("value-utf-8", "a value that is not UTF-8", "a=x\ufffdy", ",\"a\":\"x\xffy\""),
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":"v"`, i)
	}
	return b.String()
}

// emptyAgo is a time that no other sample has.
const emptyAgo = 77 * time.Second

// emptyObject has no room for a mark: its record is known by its time.
func (p *prober) emptyObject() sample {
	at := p.t.Now().Add(-emptyAgo)
	return sample{
		write: p.one(true, record{value: []byte("{}"), at: at}),
		found: func(l landed) bool { return l.at.Unix() == at.Unix() && !l.holds("probe-") },
		says:  p.fields,
	}
}
