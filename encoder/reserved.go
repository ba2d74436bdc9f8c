package encoder

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// ReservedPolicy selects what happens to first-level keys that are reserved.
type ReservedPolicy uint8

const (
	// ReservedKeep leaves them as they are.
	ReservedKeep ReservedPolicy = iota
	// ReservedRename puts "record" in front of a reserved key, "record_" in place of
	// an empty one, and cuts a longer one than ReservedKeys.MaxBytes, with a hash of
	// the whole key at its end.
	ReservedRename
	// ReservedDrop leaves these entries out, and rejects a record without fields.
	ReservedDrop
)

// String returns the policy as the option reserved_keys has it.
func (p ReservedPolicy) String() string { return [...]string{"keep", "rename", "drop"}[p] }

// ReservedKeys are first-level keys that the reader of the records takes for its own,
// or cannot take. The zero value reserves none. Batch.Reserved counts them, and
// records without fields.
type ReservedKeys struct {
	Policy   ReservedPolicy
	Names    []string // each begins with _; one that ends in a colon stands for all keys that begin so
	MaxBytes int      // of a key, 0: no limit; with a limit an empty key is reserved too
}

const (
	renamePrefix = "record"
	renamedEmpty = renamePrefix + "_"
	hashBytes    = 17 // _ and 16 hexadecimal digits
)

func (r *ReservedKeys) check() (errs []error) {
	if r.Policy > ReservedDrop {
		errs = append(errs, fmt.Errorf("encoder: ReservedKeys.Policy %d is unknown; allowed are ReservedKeep, ReservedRename and ReservedDrop", r.Policy))
	}
	for _, name := range r.Names {
		if len(name) < 2 || name[0] != '_' {
			errs = append(errs, fmt.Errorf("encoder: ReservedKeys has the name %q; allowed are names of two bytes or more that begin with _", name))
		}
	}
	if r.MaxBytes != 0 && r.MaxBytes < 4*hashBytes {
		errs = append(errs, errors.New("encoder: ReservedKeys.MaxBytes is too small for a key with a hash"))
	}
	return errs
}

// Match reports whether the key is reserved. It is given as a JSON string without
// its quotes.
func (r *ReservedKeys) Match(text string) bool {
	if r.MaxBytes > 0 && (text == "" || len(text) > r.MaxBytes && unescapedLength(text) > r.MaxBytes) {
		return true
	}
	for _, name := range r.Names {
		if text == name || name[len(name)-1] == ':' && strings.HasPrefix(text, name) {
			return true
		}
	}
	return false
}

// unescapedLength returns the length of the string that the JSON text stands for.
func unescapedLength(text string) (n int) {
	for i := 0; i < len(text); n++ {
		switch {
		case text[i] != '\\':
			i++
		case text[i+1] == 'u': // a control character: others are written raw
			i += 6
		default:
			i += 2
		}
	}
	return n
}

// reserveKey applies the policy to the first-level key, just written, that begins at
// start of dst. It is not in a keySet yet. drop: its entry must be dropped.
func (w *walker) reserveKey(dst []byte, start int) (_ []byte, drop bool) {
	r := &w.enc.opts.Reserved
	text := dst[start+1 : len(dst)-1]
	if !r.Match(unsafe.String(unsafe.SliceData(text), len(text))) {
		return dst, false
	}
	w.reserved.note(text)
	if r.Policy != ReservedRename {
		return dst, r.Policy == ReservedDrop
	}
	w.scratch = append(w.scratch[:0], text...)
	text = w.scratch
	dst = dst[:start+1]
	switch {
	case len(text) == 0:
		dst = append(dst, renamedEmpty...)
	case len(text)+len(renamePrefix) <= r.MaxBytes || r.MaxBytes == 0:
		dst = append(append(dst, renamePrefix...), text...)
	default:
		keep := lengthToKeep(text, len(text)+len(renamePrefix)+hashBytes-r.MaxBytes)
		dst = append(append(dst, renamePrefix...), text[:keep]...)
		dst = appendHash(dst, text)
	}
	return append(dst, '"'), false
}

// appendHash appends _ and the FNV-1a hash of the text.
func appendHash(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	hash := uint64(14695981039346656037)
	for _, c := range text {
		hash = (hash ^ uint64(c)) * 1099511628211
	}
	dst = append(dst, '_')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[hash>>shift&15])
	}
	return dst
}

// mayReserve reports whether a key of at least two bytes that begins with _ and this
// byte may be reserved, however long it is.
func (e *Encoder) mayReserve(second byte) bool {
	return e.reservedSecond[second>>6]>>(second&63)&1 != 0
}
