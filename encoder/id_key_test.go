package encoder

import "testing"

// A record that is not a map has no key, whatever the last key of the metadata is: its
// bytes are not an id.
func TestRecordWithoutKeysIsNoID(t *testing.T) {
	t.Parallel()
	e, err := New(Options{MetadataKey: "m"})
	if err != nil {
		t.Fatal(err)
	}
	chunk := "\x92\x92\xd7\x00\x4b\x3d\x3b\x00\x00\x00\x00\x00\x81\xa7span_id\x90\xc4\x08abc defg"
	var b Batch
	e.Append(&b, []byte(chunk), "")
	const want = `{"m":{"span_id":[]},"log":"abc defg"}`
	if len(b.Records) != 1 || string(b.Bytes(b.Records[0].Value)) != want {
		t.Errorf("%s, want %s", b.Buf, want)
	}
}
