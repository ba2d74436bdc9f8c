package encoder

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// expectedMetrics returns what the records of well-formed metrics must be, as
// encoding/json reads them. It shares nothing with the encoder.
func expectedMetrics(t *testing.T, chunk []byte) (records []object) {
	t.Helper()
	for len(chunk) > 0 {
		value, rest, err := msgp.ReadIntfBytes(chunk)
		if err != nil {
			t.Fatal(err)
		}
		chunk = rest
		for _, m := range value.(object)["metrics"].([]any) {
			meta := m.(object)["meta"].(object)
			for _, s := range m.(object)["values"].([]any) {
				records = append(records, expectedMetric(t, meta, s.(object)))
			}
		}
	}
	return records
}

func expectedMetric(t *testing.T, meta, sample object) object {
	t.Helper()
	opts := meta["opts"].(object)
	name := opts["name"].(string)
	if ss := opts["ss"].(string); ss != "" {
		name = strings.TrimSuffix(ss, "_") + "_" + name
	}
	if ns := opts["ns"].(string); ns != "" {
		name = ns + "_" + name
	}
	kind := integer(meta["type"])
	r := object{"name": name, "type": []string{"counter", "gauge", "histogram", "summary", "untyped", "exponential_histogram"}[kind]}
	for field, key := range map[string]string{"time": "ts", "start_time": "start_ts"} {
		if ns := integer(sample[key]); ns != 0 {
			r[field] = time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
		}
	}
	if unit := opts["unit"].(string); unit != "" {
		r["unit"] = unit
	}
	if integer(meta["aggregation_type"]) == 1 {
		r["aggregation"] = "delta"
	}
	if values, _ := sample["labels"].([]any); len(values) > 0 {
		labels := object{}
		for i, v := range values {
			if v != nil {
				labels[meta["labels"].([]any)[i].(string)] = v
			}
		}
		r["labels"] = labels
	}
	addExpectedValue(r, meta, sample)
	text, err := json.Marshal(r) // for the types of encoding/json
	if err != nil {
		t.Fatal(err)
	}
	var back object
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// addExpectedValue adds the value, or the fields that the type has instead.
func addExpectedValue(r, meta, sample object) {
	part := func(name string) object { return sample[name].(object) }
	switch r["type"] {
	case "histogram":
		h, buckets := part("histogram"), object{}
		counts, sum := h["buckets"].([]any), int64(0)
		for _, n := range counts {
			sum += integer(n)
		}
		separate, before := sum == integer(h["count"]), int64(0)
		for i, n := range counts {
			if separate {
				before += integer(n)
				n = before
			}
			bound := "+Inf"
			if bounds := meta["buckets"].([]any); i < len(bounds) {
				bound = fmt.Sprint(bounds[i])
			}
			buckets[bound] = n
		}
		r["count"], r["sum"], r["buckets"] = h["count"], h["sum"], buckets
	case "summary":
		s, quantiles := part("summary"), object{}
		for i, bits := range s["quantiles"].([]any) {
			quantiles[fmt.Sprint(meta["quantiles"].([]any)[i])] = math.Float64frombits(uint64(integer(bits)))
		}
		r["count"], r["sum"], r["quantiles"] = s["count"], math.Float64frombits(uint64(integer(s["sum"]))), quantiles
	case "exponential_histogram":
		h := part("exp_histogram")
		r["count"], r["sum"] = h["count"], math.Float64frombits(uint64(integer(h["sum"])))
		r["scale"], r["zero_count"], r["zero_threshold"] = h["scale"], h["zero_count"], h["zero_threshold"]
		for _, side := range []string{"positive", "negative"} {
			r[side] = object{"offset": h[side+"_offset"], "buckets": h[side+"_buckets"]}
		}
	default:
		r["value"] = sample["value"]
		if v, ok := sample["value_int64"]; ok {
			r["value"] = v
		}
		if f, ok := r["value"].(float64); ok && math.IsInf(f, 0) {
			r["value"] = nil
		}
	}
}

// integer returns a number as msgp reads it, or 0 if it is absent.
func integer(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	return 0
}
