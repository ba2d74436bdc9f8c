package main

import (
	"fmt"
	"slices"
	"strings"
)

// spread is several measurements of one thing.
type spread []float64

// median is the middle one; of an even number, the lower middle.
func (s spread) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[(len(sorted)-1)/2]
}

// String is the median with the lowest and the highest.
func (s spread) String() string {
	return fmt.Sprintf("%.3g (%.3g–%.3g)", s.median(), slices.Min(s), slices.Max(s))
}

// table is a table in Markdown.
type table struct{ b strings.Builder }

func (t *table) title(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n\n", args...) }

func (t *table) header(cells ...string) {
	t.row(cells...)
	t.row(slices.Repeat([]string{"---"}, len(cells))...)
}

func (t *table) row(cells ...string) { fmt.Fprintf(&t.b, "| %s |\n", strings.Join(cells, " | ")) }

func (t *table) String() string { return t.b.String() }
