//go:build kafka

package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Every event has a number, and all of it follows from that number: its time,
// its fields, and so the record that must land.

// firstTime is the time of event 0; each following one is a millisecond later.
var firstTime = time.Date(2017, 6, 1, 12, 0, 0, 0, time.UTC)

func timeOf(seq int) time.Time { return firstTime.Add(time.Duration(seq) * time.Millisecond) }

const (
	beginning     = "GET /päth \"quoted\"\tback\\slash 日志 "
	beginningJSON = `GET /päth \"quoted\"\tback\\slash 日志 `
	// filling makes events of different lengths.
	filling = "the quick brown fox jumps over the lazy dog, again and again, and then once more"
)

// appendText appends what follows the beginning in the text of an event.
func appendText(b []byte, seq, extra int) []byte {
	b = strconv.AppendInt(b, int64(seq)*2654435761, 16)
	b = append(b, filling[:seq%len(filling)]...)
	return append(b, bytes.Repeat([]byte("y"), extra)...)
}

// appendEvent appends an event as Fluent Bit stores it, [[time, metadata],
// record]: some hundred bytes, and as many more as extra says.
func appendEvent(b []byte, seq, extra int) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	b = msgp.AppendArrayHeader(b, 2)
	b = append(b, 0xd7, 0x00) // fixext 8 of type 0: seconds and nanoseconds
	b = binary.BigEndian.AppendUint32(b, uint32(timeOf(seq).Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(timeOf(seq).Nanosecond()))
	b = msgp.AppendMapHeader(b, 0)
	b = msgp.AppendMapHeader(b, 6)
	b = msgp.AppendInt(msgp.AppendString(b, "seq"), seq)
	b = msgp.AppendStringFromBytes(msgp.AppendString(b, "log"), appendText([]byte(beginning), seq, extra))
	b = msgp.AppendFloat64(msgp.AppendString(b, "took"), float64(seq)+0.5)
	b = msgp.AppendBool(msgp.AppendString(b, "ok"), seq%2 == 0)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "labels"), 1)
	b = msgp.AppendString(msgp.AppendString(b, "app"), "web")
	return msgp.AppendNil(msgp.AppendString(b, "none"))
}

// The record of an event begins and ends so.
const (
	recordHead = `{"seq":`
	recordTail = `,"labels":{"app":"web"},"none":null}`
)

// appendRecord appends the record that an event must become.
func appendRecord(b []byte, seq, extra int) []byte {
	b = strconv.AppendInt(append(b, recordHead...), int64(seq), 10)
	b = appendText(append(b, `,"log":"`+beginningJSON...), seq, extra)
	b = strconv.AppendInt(append(b, `","took":`...), int64(seq), 10)
	b = strconv.AppendBool(append(b, `.5,"ok":`...), seq%2 == 0)
	return append(b, recordTail...)
}

// numberOf reads the number of a record's event.
func numberOf(record []byte) (seq int, err error) {
	rest, _ := bytes.CutPrefix(record, []byte(recordHead))
	number, _, _ := bytes.Cut(rest, []byte(","))
	if seq, err = strconv.Atoi(string(number)); err != nil {
		return 0, fmt.Errorf("a record without a number: %.200q", record)
	}
	return seq, nil
}
