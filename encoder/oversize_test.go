package encoder

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// TestTruncateFits: whatever the limit, a cut record is valid, fits, says that
// it was cut, keeps whole characters, and would not fit with one more.
func TestTruncateFits(t *testing.T) {
	for _, unit := range []string{"x", "é", "日", "😀", "\"", "\x01", "a日\n😀\\"} {
		text := strings.Repeat(unit, 100)
		record := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "short"), "s")
		record = msgp.AppendString(msgp.AppendString(record, "v"), text)
		for limit := 1; limit < 700; limit++ {
			e := newEncoder(t, Options{MaxBytes: limit, Oversize: OversizeTruncate})
			var b Batch
			e.Append(&b, eventOf(record), "tag")
			if len(b.Records) == 0 {
				if least := len(`{"short":"s","v":"","__truncated__":true}`); limit >= least || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooLarge) {
					t.Fatalf("%q, limit %d: %+v", unit, limit, b.Rejects)
				}
				continue
			}
			value := b.Bytes(b.Records[0].Value)
			var got struct {
				Short, V  string
				Truncated bool `json:"__truncated__"`
			}
			if err := json.Unmarshal(value, &got); err != nil {
				t.Fatalf("%q, limit %d: %v: %s", unit, limit, err, value)
			}
			if len(value) > limit || got.Short != "s" || !strings.HasPrefix(text, got.V) || !utf8.ValidString(got.V) ||
				got.Truncated == (got.V == text) {
				t.Fatalf("%q, limit %d: %s", unit, limit, value)
			}
			if next, size := utf8.DecodeRuneInString(text[len(got.V):]); size > 0 {
				if more := len(referenceString([]byte(string(next)))) - 2; len(value)+more <= limit {
					t.Fatalf("%q, limit %d: %d bytes, one more would fit", unit, limit, len(value))
				}
			}
		}
	}
}
