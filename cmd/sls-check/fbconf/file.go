package fbconf

import (
	"errors"

	"out_sls_kafka/plugin/regular"
)

// maxBytes bounds all files together, and what variables make of their values: a variable of a megabyte may stand in a
// thousand lines.
const maxBytes = 32 << 20

var errTooMuch = errors.New("more than 32 MB in all")

// budget is what a configuration has read.
type budget struct{ left int }

// take takes bytes off the budget, and tells whether there were enough.
func (b *budget) take(n int) bool {
	b.left -= n
	return b.left >= 0
}

// readFile reads a regular file.
func (b *budget) readFile(path string) ([]byte, error) {
	content, err := regular.Read(path)
	switch {
	case err != nil:
		return nil, err
	case !b.take(len(content)):
		return nil, errTooMuch
	}
	return content, nil
}
