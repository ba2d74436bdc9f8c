package encoder

import "encoding/binary"

// Fluent Bit delivers traces as a run of objects (Fluent Bit 5.1.1,
// lib/ctraces/src/ctr_encode_msgpack.c):
//
//	{"resourceSpans": [{"resource": {"attributes": {…} or nil, "dropped_attributes_count"},
//	                    "schema_url",
//	                    "scope_spans": [{"scope": {"name", "version", "attributes", …} or nil,
//	                                     "spans": [span, …], "schema_url"}, …]}, …]}
//
// Each span becomes one record, with the fields and words of SLS's own trace format
// ("Trace data formats", Alibaba Cloud; alibaba/loongcollector,
// pkg/protocol/decoder/opentelemetry/otlp_trace_parser.go):
//
//	host, service  attributes host.name and service.name of the resource, which are not
//	               in resource
//	resource       its other attributes
//	otlp.name, otlp.version  of the scope
//	name, kind     kind: internal, server, client, producer, consumer or empty
//	traceID, spanID, parentSpanID  hexadecimal digits
//	links          [{traceID, spanID, traceState, attribute}]
//	logs           the span's events, [{name, time, attribute}], time in nanoseconds
//	traceState
//	start, end, duration  microseconds
//	attribute
//	statusCode     UNSET, OK or ERROR
//	statusMessage
//
// A span is first written as an event in msgpack, as a sample is. The time of the event is
// the end of the span.

// spanFieldCount is the number of these fields.
const spanFieldCount = 19

var (
	spanKinds   = [...]string{"", "internal", "server", "client", "producer", "consumer"}
	statusCodes = [...]string{"UNSET", "OK", "ERROR"}
)

// trace has what the spans of one scope share, and the memory to write them.
type trace struct {
	eventBuf []byte
	resource []byte // fields host, service and resource, as msgpack
	head     []byte // these and the fields of the scope
	longest  int    // bytes of the longest value in head
	span     span
}

// span are the values of a span, as ctraces has them. pos -1: absent.
type span struct {
	traceID, spanID, parentID, state, name, kind, start, end, attributes, events, links, status cursor
}

func (t *trace) size() int { return cap(t.eventBuf) + cap(t.resource) + cap(t.head) }

// close releases the memory of the caller.
func (t *trace) close() { t.span = span{} }

// resume reads what the spans at a position share. It was read before, and cannot fail.
func (t *trace) resume(chunk []byte, at *objectPosition) {
	src := chunk[:at.end]
	if at.scopes > 0 {
		t.openResource(cursor{src, at.metric})
	}
	if at.samples > 0 {
		t.openScope(cursor{src, at.scope})
	}
}

// openResource reads a resource. It returns false if that is malformed.
func (t *trace) openResource(resource cursor) bool {
	none := cursor{pos: -1}
	host, service := none, none
	attributes := resource.get("resource").get("attributes")
	n, key := 0, cursor{}
	if attributes.pos >= 0 && !attributes.isNil() {
		var ok bool
		if n, key.pos, ok = mapHeader(attributes.src, attributes.pos); !ok {
			return false
		}
		key.src = attributes.src
	}
	t.resource = appendHeader32(appendFixstr(t.resource[:0], "resource"), mpMap32, 0)
	header, others := len(t.resource)-4, 0
	for range n {
		name, _ := key.str()
		value := key.next()
		switch string(name) {
		case "host.name":
			host = value
		case "service.name":
			service = value
		default:
			t.resource = append(append(t.resource, key.raw()...), value.raw()...)
			others++
		}
		key = value.next()
	}
	binary.BigEndian.PutUint32(t.resource[header:], uint32(others))
	t.resource = appendValueOr(appendFixstr(t.resource, "host"), host)
	t.resource = appendValueOr(appendFixstr(t.resource, "service"), service)
	return true
}

// appendValueOr appends a value, or an empty string where there is none.
func appendValueOr(dst []byte, value cursor) []byte {
	if value.pos < 0 || value.isNil() {
		return append(dst, 0xa0)
	}
	return append(dst, value.raw()...)
}

// openScope reads a scope. It returns false if that is malformed.
func (t *trace) openScope(scope cursor) bool {
	scope = scope.get("scope")
	name, version := scope.get("name"), scope.get("version")
	if scope.pos < 0 || !name.isText() || !version.isText() {
		return false
	}
	t.head = append(t.head[:0], t.resource...)
	t.head = appendValueOr(appendFixstr(t.head, "otlp.name"), name)
	t.head = appendValueOr(appendFixstr(t.head, "otlp.version"), version)
	t.longest = longestValue(t.head)
	return true
}

// longestValue returns the bytes of the longest value that is not a map or an array.
func longestValue(src []byte) (longest int) {
	for pos := 0; pos < len(src); {
		_, next, ok := mapHeader(src, pos)
		if !ok {
			_, next, ok = arrayHeader(src, pos)
		}
		if !ok {
			next = skip(src, pos)
			longest = max(longest, next-pos)
		}
		pos = next
	}
	return longest
}

// isText reports whether the value is a string, nil or absent.
func (c cursor) isText() bool { return c.pos < 0 || c.isNil() || c.isString() }

// isList reports whether the value is an array, nil or absent.
func (c cursor) isList() bool {
	_, _, ok := c.array()
	return ok || c.pos < 0 || c.isNil()
}

// isMap reports whether the value is a map, nil or absent.
func (c cursor) isMap() bool {
	if c.pos < 0 || c.isNil() {
		return true
	}
	_, _, ok := mapHeader(c.src, c.pos)
	return ok
}

// exceeds reports whether what the spans share is too large for any record: see
// metric.labelsExceed.
func (t *trace) exceeds(e *Encoder) bool {
	bytes := len(t.head)
	if e.opts.Oversize == OversizeTruncate {
		bytes -= t.longest
	}
	return bytes/2 > e.giveUpSize
}
