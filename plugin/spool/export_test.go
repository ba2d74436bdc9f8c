package spool

// HeaderOf is what a segment of a version begins with.
func HeaderOf(version uint32) []byte { return appendHeaderOf(nil, version) }
