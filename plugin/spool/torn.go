package spool

import "hash/crc32"

// markSynced marks a batch that is durable. Should the mark be lost, the batch is looked
// through at the next start.
func (g *segment) markSynced(batch []*Entry) {
	if n := len(batch); n > 0 {
		_, _ = g.file.WriteAt([]byte{1}, batch[n-1].offset+offsetOfSynced)
	}
}

// follow finds out how much of a segment was synced, with each of its entries: a batch is
// written when the one before it is durable. Of the last one only its mark tells.
func (g *segment) follow(h *header, at int64) {
	end := at + h.size()
	g.synced = max(g.synced, g.ended)
	switch {
	case h.synced, h.place == 0: // a version that did not say it, so all of it counts
		g.synced = end
	case h.place&placeFirst != 0:
		g.synced = at
	}
	if h.place&placeLast != 0 {
		g.ended = end
	}
}

// tear tells what was being written when a crash came from what is damaged. A crash leaves any
// part of that: headers without their bytes, too, so those are looked through. damage is what
// was found so far; what is torn becomes one.
func (g *segment) tear(damage []Damage) (all []Damage) {
	torn := Damage{File: g.name(), Torn: true}
	add := func(offset, bytes int64) {
		if torn.Bytes == 0 {
			torn.Offset = offset
		}
		torn.Bytes += bytes
	}
	for _, d := range damage {
		if d.Err == nil && (d.Torn || d.Offset >= g.synced || g.synced <= segmentHeader) {
			add(d.Offset, d.Bytes)
		} else {
			all = append(all, d)
		}
	}
	w := walk{segment: g, offset: max(g.synced, segmentHeader)}
	for {
		h, at, _, ok, err := w.next(g.size)
		if err != nil || !ok {
			break
		}
		if !h.done && !g.isWhole(&h, at) {
			add(at, h.size())
			g.drop(&h, at)
		}
	}
	if torn.Bytes > 0 {
		all = append(all, torn)
	}
	return all
}

// isWhole tells whether the bytes of an entry are those that were given, or cannot be read:
// whoever reads them later says so.
func (g *segment) isWhole(h *header, at int64) bool {
	b := make([]byte, h.size()-entryHeader)
	n, err := g.file.ReadAt(b, at+entryHeader)
	return err != nil && n < len(b) || crc32.Checksum(b, castagnoli) == h.sum
}

// drop takes an entry that is torn out of what is to be delivered.
func (g *segment) drop(h *header, at int64) {
	g.undone--
	g.left -= h.size()
	g.claimed[at] = nil
	_, _ = g.file.WriteAt([]byte{1}, at+offsetOfStatus)
}
