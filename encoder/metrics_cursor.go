package encoder

// place is where a value stands in a metrics object, which must be whole, so
// that no header in it claims too much. at is below zero where there is none.
type place struct {
	src []byte
	at  int
}

// get returns the value that a map has under name.
func (p place) get(name string) place {
	if p.at >= 0 {
		p.at = member(p.src, p.at, name)
	}
	return p
}

// list returns the first element of an array and how many there are.
func (p place) list() (first place, n int, ok bool) {
	if p.at < 0 {
		return p, 0, false
	}
	n, p.at, ok = arrayHeader(p.src, p.at)
	return p, n, ok
}

// next returns the value behind this one.
func (p place) next() place {
	p.at = skip(p.src, p.at)
	return p
}

// raw returns the value as msgpack.
func (p place) raw() []byte { return p.src[p.at:skip(p.src, p.at)] }

// text returns a string.
func (p place) text() ([]byte, bool) {
	if p.at < 0 {
		return nil, false
	}
	n, start, ok := stringHeader(p.src, p.at, false)
	if !ok {
		return nil, false
	}
	return p.src[start : start+n], true
}

// uint returns an integer that is not below zero.
func (p place) uint() (uint64, bool) {
	if p.at < 0 {
		return 0, false
	}
	v, unsigned, ok := readInt(p.src, p.at)
	return uint64(v), ok && (unsigned || v >= 0)
}

// isNumber says whether an integer or a float stands there.
func (p place) isNumber() bool {
	if p.at < 0 {
		return false
	}
	c := p.src[p.at]
	return c < 0x80 || c >= 0xe0 || c >= mpFloat32 && c <= mpInt64
}

// isText says whether a string stands there.
func (p place) isText() bool {
	_, ok := p.text()
	return ok
}

// isNull says whether nil stands there.
func (p place) isNull() bool { return p.at >= 0 && p.src[p.at] == mpNil }

// areNumbers says whether the n values from here on are numbers.
func (p place) areNumbers(n int) bool {
	for ; n > 0; n-- {
		if !p.isNumber() {
			return false
		}
		p = p.next()
	}
	return true
}
