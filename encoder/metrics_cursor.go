package encoder

// cursor is the offset of a value in a metrics object. The object must be whole,
// so that no header in it claims more than there is. If the value does not exist,
// pos is negative.
type cursor struct {
	src []byte
	pos int
}

// get returns the value that a map has under name.
func (c cursor) get(name string) cursor {
	if c.pos >= 0 {
		c.pos = member(c.src, c.pos, name)
	}
	return c
}

// array returns the first element of an array and the number of its elements.
func (c cursor) array() (first cursor, n int, ok bool) {
	if c.pos < 0 {
		return c, 0, false
	}
	n, c.pos, ok = arrayHeader(c.src, c.pos)
	return c, n, ok
}

// next returns the value behind this one.
func (c cursor) next() cursor {
	c.pos = skip(c.src, c.pos)
	return c
}

// raw returns the value as msgpack.
func (c cursor) raw() []byte { return c.src[c.pos:skip(c.src, c.pos)] }

// str returns the bytes of a string.
func (c cursor) str() ([]byte, bool) {
	if c.pos < 0 {
		return nil, false
	}
	n, start, ok := stringHeader(c.src, c.pos, false)
	if !ok {
		return nil, false
	}
	return c.src[start : start+n], true
}

// uint returns an integer that is not negative.
func (c cursor) uint() (uint64, bool) {
	if c.pos < 0 {
		return 0, false
	}
	v, unsigned, ok := readInt(c.src, c.pos)
	return uint64(v), ok && (unsigned || v >= 0)
}

// int returns an integer that an int64 can hold.
func (c cursor) int() (int64, bool) {
	if c.pos < 0 {
		return 0, false
	}
	v, unsigned, ok := readInt(c.src, c.pos)
	return v, ok && !(unsigned && v < 0)
}

// isNumber reports whether the value is an integer or a float.
func (c cursor) isNumber() bool {
	if c.pos < 0 {
		return false
	}
	lead := c.src[c.pos]
	return lead < 0x80 || lead >= 0xe0 || lead >= mpFloat32 && lead <= mpInt64
}

// isString reports whether the value is a string.
func (c cursor) isString() bool {
	_, ok := c.str()
	return ok
}

// isNil reports whether the value is nil.
func (c cursor) isNil() bool { return c.pos >= 0 && c.src[c.pos] == mpNil }

// areNumbers reports whether this value and those behind it, n in all, are
// numbers.
func (c cursor) areNumbers(n int) bool {
	for ; n > 0; n-- {
		if !c.isNumber() {
			return false
		}
		c = c.next()
	}
	return true
}
