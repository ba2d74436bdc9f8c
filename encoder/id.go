package encoder

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"
)

// chunkID makes the ids of records. The id of a record is the same whenever the same
// chunk comes again, in any process: it consists of the hash of the tag and of all
// bytes of the chunk, and of the offset of the event or sample in it. Two chunks that
// are equal byte for byte share their ids.
type chunkID struct {
	sum  hash.Hash
	text []byte // of the current chunk: a quote, 32 hexadecimal digits and -
}

// hashedBytes is how much of the SHA-256 goes into an id: no two chunks of a lifetime
// agree in 16 bytes, also if somebody wants them to.
const hashedBytes = 16

// begin sets the id of the chunk.
func (id *chunkID) begin(tag, chunk []byte) {
	if id.sum == nil {
		id.sum = sha256.New()
	}
	id.sum.Reset()
	id.text = binary.BigEndian.AppendUint64(id.text[:0], uint64(len(tag)))
	id.sum.Write(id.text)
	id.sum.Write(tag)
	id.sum.Write(chunk)
	id.text = id.sum.Sum(id.text[:0])
	all := id.text
	id.text = append(hex.AppendEncode(append(all, '"'), all[:hashedBytes]), '-')
	id.text = append(id.text[:0], id.text[len(all):]...)
}

// appendRecordID appends the id of the record at that offset, as a JSON string.
func (id *chunkID) appendRecordID(dst []byte, offset int) []byte {
	return append(strconv.AppendInt(append(dst, id.text...), int64(offset), 10), '"')
}
