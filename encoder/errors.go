package encoder

import (
	"errors"
	"fmt"
)

// The errors behind a Reject.Err, for errors.Is. The Err itself says more.
var (
	// ErrMalformed: the msgpack is intact but is not an event, or it is not
	// intact (see ErrBroken).
	ErrMalformed = errors.New("malformed event")
	// ErrBroken: the msgpack ends early or has a byte with which no object
	// begins. The events after it cannot be found, so the rest of the chunk is
	// one Reject. The error is an ErrMalformed too.
	ErrBroken = fmt.Errorf("%w: broken msgpack", ErrMalformed)
	// ErrTooDeep: the event has more than 128 levels, or a key that is a map or
	// an array contains a key that is a map, an array or an ext.
	ErrTooDeep = errors.New("event nested too deep")
	// ErrTooLarge: the record is larger than Options.MaxBytes. The error is a
	// *TooLargeError.
	ErrTooLarge = errors.New("record too large")
	// ErrDelta: a metric counts since the sample before (delta), which nobody who reads
	// a metricstore expects.
	ErrDelta = errors.New("a metric that counts since the sample before (delta), not since the start (cumulative)")
	// ErrEmpty: the record has no fields, and ReservedDrop does not let it go.
	ErrEmpty = errors.New("a record without fields")
)

// TooLargeError gives the size of a record and the limit, in bytes.
type TooLargeError struct {
	Size, Limit int
	GivenUp     bool // the record was not encoded to its end: it is larger than Size
}

func (e *TooLargeError) Error() string {
	if e.GivenUp {
		return fmt.Sprintf("record too large: more than %d bytes, allowed are %d", e.Size, e.Limit)
	}
	return fmt.Sprintf("record too large: %d bytes, allowed are %d", e.Size, e.Limit)
}

// Is makes errors.Is(err, ErrTooLarge) true.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// A fault is a negative int that the walking functions return instead of the next
// offset, so that the hot path carries no error value.
const (
	faultEnd       = -1 - iota // an object runs past the end of the chunk
	faultNeverUsed             // 0xc1, which msgpack never uses
	faultDepth                 // more than maxDepth levels
	faultNestedKey             // a key that is a map, an array or an ext, within a key that is a map or an array
	faultTooLarge              // the record exceeds walker.limit, its encoding stopped
	faultEvent                 // not an array of 2
	faultHeader                // the first element is an array, but not of 2
	faultTimeType              // the time is neither an EventTime nor a number
	faultTimeRange             // the time is NaN or too far away
	faultScalar                // not even an array or a map
	faultMetric                // a metric does not have the layout of cmetrics
	faultSample                // a sample of a metric does not have it
	faultSpan                  // a span, or what belongs to several, does not have the layout of ctraces
	faultDelta                 // a metric counts from sample to sample, and Options.KeepDelta is not set
)

// faultErrors has the error of a fault at index -1-fault.
var faultErrors = [...]error{
	fmt.Errorf("%w: an object runs past the end of the chunk", ErrBroken),
	fmt.Errorf("%w: byte 0xc1 begins no msgpack object", ErrBroken),
	fmt.Errorf("%w: allowed are %d levels of maps and arrays", ErrTooDeep, maxDepth),
	fmt.Errorf("%w: a map, an array or an ext may be a key, but not within a key that is a map or an array", ErrTooDeep),
	ErrTooLarge, // replaced by Encoder.giveUpErr
	fmt.Errorf("%w: not an array of 2 elements, [time, record] or [[time, metadata], record]", ErrMalformed),
	fmt.Errorf("%w: the event header is an array, but not [time, metadata]", ErrMalformed),
	fmt.Errorf("%w: the event time is neither an EventTime (ext type 0, 8 bytes) nor a number", ErrMalformed),
	fmt.Errorf("%w: the event time is not a number or beyond ±2^53 seconds", ErrMalformed),
	fmt.Errorf("%w: a single value stands where an event was expected", ErrMalformed),
	fmt.Errorf("%w: a metric lacks version %d of cmetrics, a known type, a name, its bounds or its values", ErrMalformed, cmetricsVersion),
	fmt.Errorf("%w: a sample of a metric lacks its time, a number, a bucket, or the name of a label", ErrMalformed),
	fmt.Errorf("%w: a span lacks its ids, its times or its scope, or has text where a list or a map belongs", ErrMalformed),
	ErrDelta,
}

func faultError(fault int) error { return faultErrors[-1-fault] }
