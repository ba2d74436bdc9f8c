package encoder

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// FuzzNumbers: a number reads back as the same number, and is written as
// encoding/json writes it.
func FuzzNumbers(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 0.1, 1e21, 1e-7, 123456789.123456, 5e-324, math.MaxFloat64, 999999999.999999, 1e9} {
		f.Add(math.Float64bits(v), int64(v), uint8(3))
	}
	f.Add(uint64(math.MaxUint64), int64(math.MinInt64), uint8(9))
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, bits uint64, whole int64, decimals uint8) {
		list := []any{
			bits, whole, int64(bits >> (whole & 63)), uint64(whole),
			math.Float64frombits(bits), math.Float32frombits(uint32(bits)), float64(whole), float32(whole),
			float64(whole%1e15) / math.Pow10(int(decimals%12)), // few decimals
		}
		packed, err := msgp.AppendIntf(nil, list)
		if err != nil {
			t.Fatal(err)
		}
		text := encodeOne(t, e, append([]byte("\x81\xa1v"), packed...))
		var got struct{ V []json.RawMessage }
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.V) != len(list) {
			t.Fatalf("%s: %v", text, err)
		}
		for i, v := range list {
			if want := numberText(t, v); string(got.V[i]) != want {
				t.Errorf("%T %v is %s, want %s", v, v, got.V[i], want)
			}
			if err := readsBack(string(got.V[i]), v); err != nil {
				t.Error(err)
			}
		}
	})
}

func numberText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if _, none := err.(*json.UnsupportedValueError); none {
		return "null" // NaN, infinite
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readsBack(text string, v any) error {
	if text == "null" {
		return nil
	}
	var same bool
	switch v := v.(type) {
	case uint64:
		got, err := strconv.ParseUint(text, 10, 64)
		same = err == nil && got == v
	case int64:
		got, err := strconv.ParseInt(text, 10, 64)
		same = err == nil && got == v
	case float64:
		got, err := strconv.ParseFloat(text, 64)
		same = err == nil && math.Float64bits(got) == math.Float64bits(v)
	case float32:
		got, err := strconv.ParseFloat(text, 32)
		same = err == nil && math.Float32bits(float32(got)) == math.Float32bits(v)
	}
	if !same {
		return fmt.Errorf("%T %v does not read back from %s", v, v, text)
	}
	return nil
}
