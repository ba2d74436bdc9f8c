//go:build kafka

package kafka

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
)

// row is what one load came to.
type row struct {
	name                                     string
	sent, landed, duplicates, rejected, lost int
	seconds                                  float64 // from the first chunk to the last result
}

// table is the rows of all tests, printed at the end.
type table struct {
	mu   sync.Mutex
	rows []row
}

var results table

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

func (t *table) print(w io.Writer, broker string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(w, "\n%d brokers, %s\n", brokerCount, broker)
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "row\tsent\tlanded\tduplicates\trejected\tlost\tseconds\t")
	for _, r := range t.rows {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f\t\n", r.name, r.sent, r.landed, r.duplicates, r.rejected, r.lost, r.seconds)
	}
	out.Flush()
}
