package encoder

// What Fluent Bit's inputs put into the metadata of an event, and into the attributes
// of a group, has forms that a reader of the record cannot use.

// traceIDBytes and spanIDBytes are the lengths of OpenTelemetry's ids.
const (
	traceIDBytes = 16
	spanIDBytes  = 8
)

// isID reports whether the n binary bytes at pos are the trace_id or span_id of
// OpenTelemetry, which are sometimes text by chance. Everything that reads traces
// writes them as hexadecimal digits. 16 bytes that are such digits already are the text
// of a 64-bit trace id, as Fluentd sends it.
func isID(src []byte, keyPos, pos, n int) bool {
	if keyPos < 0 {
		return false
	}
	length, start, ok := stringHeader(src, keyPos, true)
	if !ok {
		return false
	}
	switch string(src[start : start+length]) {
	case "trace_id":
		return n == traceIDBytes && !isHex(src[pos:pos+n])
	case "span_id":
		return n == spanIDBytes
	}
	return false
}

func isHex(data []byte) bool {
	for _, c := range data {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// appendID appends the n bytes at pos as a JSON string of hexadecimal digits.
func appendID(dst, src []byte, pos, n int) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range src[pos : pos+n] {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return append(dst, '"')
}

// replacedTime returns the time of an event whose own time is 0: what the metadata
// says of when it was observed, or when it arrived. Without either it stays 0. Fluent
// Bit's OTLP/JSON input leaves the time at 0 where the sender gives 0
// (fluent-bit#10793), and a reader of logs does not look at 1970.
func (w *walker) replacedTime(src []byte, ev event) (sec int64, nsec int32) {
	if ns := observedTime(src, ev.metadata); ns > 0 {
		return int64(ns / 1e9), int32(ns % 1e9)
	}
	if w.arrived.IsZero() {
		return 0, 0
	}
	return w.arrived.Unix(), int32(w.arrived.Nanosecond())
}

// observedTime returns observed_timestamp in nanoseconds since 1970 from a map in the
// metadata, whose name is the option logs_metadata_key of the input; or 0.
func observedTime(src []byte, metadata int) uint64 {
	if metadata < 0 {
		return 0
	}
	n, pos, isMap := mapHeader(src, metadata)
	if !isMap {
		return 0
	}
	for ; n > 0 && pos >= 0; n-- {
		if pos = skip(src, pos); pos < 0 {
			return 0
		}
		if v, ok := (cursor{src, pos}).get("observed_timestamp").uint(); ok && v > 0 {
			return v
		}
		pos = skip(src, pos)
	}
	return 0
}

// appendMetadata appends the metadata, without credentials.
func (w *walker) appendMetadata(dst, src []byte, pos int) ([]byte, int) {
	n, entry, isMap := mapHeader(src, pos)
	if !isMap || n == 0 || entry < 0 || countSecrets(src, pos) == 0 {
		return w.appendValue(dst, src, pos, 2)
	}
	if w.cannotFit(dst, n) {
		return dst, faultTooLarge
	}
	ks := w.openKeys(n)
	dst, pos = append(dst, '{'), entry
	for ; n > 0 && pos >= 0; n-- {
		if isSecret(src, pos) {
			pos = skip(src, skip(src, pos))
			continue
		}
		dst, pos = w.appendEntries(&ks, dst, src, pos, 1, 2)
	}
	if pos < 0 {
		return dst, pos
	}
	return append(w.closeKeys(&ks, dst), '}'), pos
}

// hasMetadata reports whether there is metadata to write.
func hasMetadata(src []byte, pos int) bool {
	if pos < 0 || isNilOrEmpty(src, pos) {
		return false
	}
	n, _, isMap := mapHeader(src, pos)
	return !isMap || n > countSecrets(src, pos)
}

// countSecrets returns how many entries of the map at pos are credentials.
func countSecrets(src []byte, pos int) (count int) {
	n, pos, _ := mapHeader(src, pos)
	for ; n > 0 && pos >= 0; n-- {
		if isSecret(src, pos) {
			count++
		}
		if pos = skip(src, pos); pos >= 0 {
			pos = skip(src, pos)
		}
	}
	return count
}

// isSecret reports whether the key at pos is the name of a credential. Fluent Bit's
// splunk input puts the token of the sender into the metadata, as hec_token.
func isSecret(src []byte, pos int) bool {
	n, start, ok := stringHeader(src, pos, true)
	if !ok || n < len("secret") || n > len("authorization") || n > len(src)-start {
		return false
	}
	var lower [len("authorization")]byte
	for i, c := range src[start : start+n] {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	switch string(lower[:n]) {
	case "hec_token", "authorization", "access_token", "api_key", "apikey", "password", "secret":
		return true
	}
	return false
}
