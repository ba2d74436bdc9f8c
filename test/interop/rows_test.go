//go:build interop

package interop

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the table into docs/tools.md")

// row is a line of the table in docs/tools.md.
type row struct {
	example int    // on Alibaba's page
	client  string // what was run
	version string // found while it ran
	setting string // what it was given
	result  string
}

func (r row) String() string {
	return fmt.Sprintf("| %d | %s | %s | %s | %s |", r.example, r.client, r.version, r.setting, r.result)
}

const tableHead = "| example | client | version | setting | result |\n|---|---|---|---|---|\n"

var table struct {
	mu   sync.Mutex
	rows []*row
}

func init() { afterRun = append(afterRun, settle) }

// client runs a test of one client and enters its row. A client that cannot be had is open: the test is skipped, and the
// row says why.
func client(t *testing.T, r row, test func(t *testing.T, r *row) error) {
	t.Parallel()
	table.mu.Lock()
	table.rows = append(table.rows, &r)
	table.mu.Unlock()
	t.Cleanup(func() {
		if t.Failed() {
			r.result = "FAILED"
		}
		fmt.Println(r)
	})
	if err := test(t, &r); err != nil {
		reason, _, _ := strings.Cut(err.Error(), "\n")
		r.result = "open: " + reason
		if _, tried := errors.AsType[byHand](err); tried {
			r.result = reason
		}
		t.Skip("open: " + err.Error())
	}
	if r.result == "" {
		t.Fatal("the test says no result")
	}
}

// settle prints the table and compares it with the document, or writes it there.
func settle() error {
	slices.SortStableFunc(table.rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.example, b.example), cmp.Compare(a.client, b.client))
	})
	if len(table.rows) == 0 {
		return nil // -run chose none of the clients
	}
	text := tableHead
	for _, r := range table.rows {
		text += r.String() + "\n"
	}
	fmt.Print(text)
	const path = "../../docs/tools.md"
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(document), tableHead)
	if !ok {
		return errors.New("docs/tools.md has no table")
	}
	documented, after, _ := strings.Cut(rest, "\n\n")
	if *update {
		if strings.Contains(text, "FAILED") {
			return errors.New("docs/tools.md is not updated: a client failed")
		}
		return os.WriteFile(path, []byte(before+text+"\n"+after), 0o644)
	}
	return compare(documented)
}

// compare fails where the document claims something else than this run found. Versions may differ, and what could not be
// had here may have been had where the document was made.
func compare(documented string) error {
	var wrong []error
	for _, r := range table.rows {
		found := slices.ContainsFunc(strings.Split(documented, "\n"), func(line string) bool {
			cells := strings.Split(line, " | ")
			return len(cells) == 5 && cells[1] == r.client && cells[3] == r.setting && cells[4] == r.result+" |"
		})
		if !found && r.result != "FAILED" && !strings.HasPrefix(r.result, "open: ") && !strings.HasPrefix(r.result, "by hand ") {
			wrong = append(wrong, fmt.Errorf("docs/tools.md does not have this row, add it with -update: %s", r))
		}
	}
	return errors.Join(wrong...)
}
