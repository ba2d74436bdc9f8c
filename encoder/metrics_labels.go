package encoder

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// labelLevel says where a label comes from. If two levels have a name, the higher one
// takes precedence.
type labelLevel uint8

const (
	labelOfResource labelLevel = iota // an attribute of the OpenTelemetry resource
	labelOfObject                     // of all samples of the object
	labelOfSample
)

// label is one label of a sample.
type label struct {
	name  []byte // by Prometheus' rules
	own   []byte // as the source has it
	value []byte
	level labelLevel
}

func compareLabels(a, b label) int {
	if c := bytes.Compare(a.name, b.name); c != 0 {
		return c
	}
	if a.level != b.level {
		return int(b.level) - int(a.level)
	}
	return bytes.Compare(a.own, b.own)
}

// labelSet makes the text of the labels of a sample, as a metricstore has it:
// name#$#value, separated by |, sorted by name.
type labelSet struct {
	labels      []label
	shared      int    // how many of them the whole object has; they come first
	sharedBytes int    // of these
	names       []byte // memory of names
	sharedNames int    // bytes of names that the shared labels use
	text        []byte
	boundAt     int // offset in text where the label of a bucket or quantile belongs
}

func (l *labelSet) size() int { return cap(l.labels)*80 + cap(l.names) + cap(l.text) }

// close releases the memory of the caller.
func (l *labelSet) close() { clear(l.labels[:cap(l.labels)]) }

// openObject reads the labels that all samples of the object have: attributes of the
// resource, if OpenTelemetry sent the object, and static labels. A value that is not a
// string becomes its JSON.
func (l *labelSet) openObject(w *walker, attributes, pair cursor, pairs int) {
	l.labels, l.names = l.labels[:0], l.names[:0]
	if attributes.pos >= 0 {
		if n, key, ok := mapHeader(attributes.src, attributes.pos); ok {
			for at := (cursor{attributes.src, key}); n > 0; n-- {
				name, named := at.str()
				value := at.next()
				if named {
					l.add(name, l.valueText(w, value), labelOfResource)
				}
				at = value.next()
			}
		}
	}
	for ; pairs > 0; pairs-- {
		if name, n, _ := pair.array(); n == 2 {
			key, _ := name.str()
			value, _ := name.next().str()
			l.add(key, value, labelOfObject)
		}
		pair = pair.next()
	}
	l.shared, l.sharedNames, l.sharedBytes = len(l.labels), len(l.names), 0
	for i := range l.labels {
		l.sharedBytes += len(l.labels[i].name) + len(l.labels[i].value)
	}
}

// valueText returns the value of an attribute as text.
func (l *labelSet) valueText(w *walker, value cursor) []byte {
	if text, ok := value.str(); ok {
		return text
	}
	if value.isNil() {
		return nil
	}
	start := len(l.names)
	w.keyPos = -1
	text, next := w.appendValue(l.names, value.src, value.pos, 2)
	if next < 0 {
		w.keys, w.tables = w.keys[:0], w.tables[:0]
		return nil
	}
	l.names = text
	return trimQuotes(text[start:])
}

// trimQuotes returns the text of a JSON string, or any other JSON as it is.
func trimQuotes(text []byte) []byte {
	if len(text) >= 2 && text[0] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

// add adds a label. One without a value is not a label, by Prometheus' rules.
func (l *labelSet) add(name, value []byte, level labelLevel) {
	if len(value) == 0 {
		return
	}
	start := len(l.names)
	l.names = appendPrometheusName(l.names, name, false)
	l.labels = append(l.labels, label{l.names[start:len(l.names):len(l.names)], name, value, level})
}

// renameTaken gives labels another name, as Prometheus does, if they have the one that
// means something else: the metric, the bucket or the quantile.
func (l *labelSet) renameTaken(labels []label, bound string) {
	for i := range labels {
		if p := &labels[i]; string(p.name) == bound || string(p.name) == "__name__" {
			start := len(l.names)
			l.names = append(append(l.names, "exported_"...), p.name...)
			p.name = l.names[start:len(l.names):len(l.names)]
		}
	}
}

// openSample makes the text of the labels of one sample: value is the first of values
// of its own, name the first name. bound is the name of the label that some of its
// records have in addition, empty: none. It returns false if a label is malformed.
func (l *labelSet) openSample(name, value cursor, values int, bound string) bool {
	l.labels, l.names = l.labels[:l.shared], l.names[:l.sharedNames]
	for ; values > 0; values-- {
		if !name.isNil() && !value.isNil() {
			key, ok := name.str()
			text, isText := value.str()
			if !ok || !isText {
				return false
			}
			l.add(key, text, labelOfSample)
		}
		name, value = name.next(), value.next()
	}
	all := l.labels
	if l.shared > 0 { // they stay as they are for the next sample
		n := len(l.labels)
		l.labels = append(l.labels, l.labels...)
		all = l.labels[n:]
	}
	l.renameTaken(all, bound)
	slices.SortStableFunc(all, compareLabels)
	l.appendText(all, bound)
	return true
}

// appendText writes the sorted labels. Two labels of one level that differ in their own
// names alone become one, with both values, as OpenTelemetry says for Prometheus.
func (l *labelSet) appendText(sorted []label, bound string) {
	l.text, l.boundAt = l.text[:0], -1
	for i := 0; i < len(sorted); {
		first := sorted[i]
		if l.boundAt < 0 && string(first.name) > bound {
			l.boundAt = len(l.text)
		}
		l.text = append(append(l.text, first.name...), labelSign...)
		joined := false
		for ; i < len(sorted) && bytes.Equal(sorted[i].name, first.name); i++ {
			again := i+1 < len(sorted) && bytes.Equal(sorted[i+1].own, sorted[i].own) && sorted[i+1].level == sorted[i].level
			if sorted[i].level != first.level || again { // the last of two takes precedence
				continue
			}
			if joined {
				l.text = append(l.text, ';')
			}
			l.text, joined = appendLabelValue(l.text, sorted[i].value), true
		}
		l.text = append(l.text, '|')
	}
	if l.boundAt < 0 {
		l.boundAt = len(l.text)
	}
}

// labelSign stands between name and value of a label.
const labelSign = "#$#"

// textBytes returns the length of the text that appendWith appends.
func (l *labelSet) textBytes(name string, bound []byte) int {
	n := len(l.text)
	if name != "" {
		n += len(name) + len(labelSign) + len(bound) + 1
	}
	return max(0, n-1)
}

// appendWith appends the text of the labels, with one more if name is not empty.
func (l *labelSet) appendWith(dst []byte, name string, bound []byte) []byte {
	start := len(dst)
	dst = append(dst, l.text[:l.boundAt]...)
	if name != "" {
		dst = append(append(append(append(dst, name...), labelSign...), bound...), '|')
	}
	dst = append(dst, l.text[l.boundAt:]...)
	if len(dst) > start {
		dst = dst[:len(dst)-1] // the last |
	}
	return dst
}

// appendLabelValue appends a value without the character that separates labels.
func appendLabelValue(dst, value []byte) []byte {
	start := len(dst)
	dst = append(dst, value...)
	for i := start; i < len(dst); i++ {
		if dst[i] == '|' {
			dst[i] = '_'
		}
	}
	return dst
}

// appendPrometheusName appends a name with _ for each character that Prometheus does not
// allow in one, and in front of a digit at its beginning. colons may be in names of
// metrics alone.
func appendPrometheusName(dst, name []byte, colons bool) []byte {
	if len(name) == 0 {
		return append(dst, '_')
	}
	for i := 0; i < len(name); {
		c, n := name[i], 1
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' && colons:
		case c >= '0' && c <= '9':
			if i == 0 {
				dst = append(dst, '_')
			}
		default:
			c = '_'
			_, n = utf8.DecodeRune(name[i:])
		}
		dst, i = append(dst, c), i+n
	}
	return dst
}
