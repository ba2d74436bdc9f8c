package encoder

import "bytes"

// A guarded key belongs to what the options add, which tells where a record comes from. A
// field of the record that has this name does not land, also where the event has no
// metadata, or stands in no group: otherwise whoever writes a log could tell of any
// origin.

// guard sets the guarded keys.
func (e *Encoder) guard(keys ...*addedKey) {
	for _, k := range keys {
		if k.wanted() {
			e.guarded = append(e.guarded, k)
			e.guardedSeen |= hashBit(k.hash)
		}
	}
}

// guardKeys makes the keys that follow in a map the record's own. Those guarded ones that
// were not added count as seen, so that dropEarlier looks at them.
func (e *Encoder) guardKeys(ks *keySet) {
	ks.guarded = e.guarded != nil
	ks.seen |= e.guardedSeen
}

// isGuarded tells whether a key that was written is guarded.
func (e *Encoder) isGuarded(dst []byte, k *key) bool {
	for _, g := range e.guarded {
		if text := g.json[:len(g.json)-1]; uint32(g.hash) == k.hash && bytes.Equal(text, dst[k.start:k.start+int(k.length)]) {
			return true
		}
	}
	return false
}

// Noted counts first-level keys, and has the first of them as JSON has it, cut to 1024
// bytes.
type Noted struct {
	Count int
	First []byte
}

func (n *Noted) note(text []byte) {
	if n.Count == 0 {
		n.First = append(n.First[:0], text[:min(len(text), maxFieldBytes)]...)
	}
	n.Count++
}

// take moves what other has here.
func (n *Noted) take(other *Noted) {
	if n.Count == 0 && other.Count > 0 {
		n.First = append(n.First[:0], other.First...)
	}
	n.Count += other.Count
	other.reset()
}

func (n *Noted) reset() { n.Count, n.First = 0, n.First[:0] }
