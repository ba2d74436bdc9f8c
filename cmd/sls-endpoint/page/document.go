package page

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"out_sls_kafka/test/sls"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed style.css
	styleCSS string
	//go:embed refresh.js
	refreshJS string
)

// Parts of the page too long for a person; all of it is in the JSON.
const (
	maxColumns    = 40   // further fields stand together in a last one
	maxValueBytes = 2000 // of a field
)

var document = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(styleCSS) },
	"script": func() template.JS { return template.JS(refreshJS) },
}).Parse(pageHTML))

// contentPolicy lets the page's own style and script run and nothing else, whatever a log says.
var contentPolicy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; connect-src 'self'; form-action 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
	sourceHash(styleCSS), sourceHash(refreshJS))

func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// row is a log in the page's table.
type row struct {
	Time  string
	Shard int32
	Cells []cell
}

// cell is a field of a row; on a narrow screen the key stands to the left of the value.
type cell struct{ Key, Value string }

// table is the shown logs with their fields as columns, in order of first appearance.
type table struct {
	Columns []string
	Rows    []row
}

const moreColumn = "further fields"

// Table lays the logs out.
func (v *view) Table() table {
	var t table
	fields := make([][]sls.Field, len(v.Logs))
	place := make(map[string]int) // of a key's column
	more := false
	for i, l := range v.Logs {
		fields[i] = l.Fields()
		for _, f := range fields[i] {
			if _, ok := place[f.Key]; ok {
				continue
			}
			if len(t.Columns) == maxColumns {
				more = true
				continue
			}
			place[f.Key] = len(t.Columns)
			t.Columns = append(t.Columns, f.Key)
		}
	}
	if more {
		t.Columns = append(t.Columns, moreColumn)
	}
	for i, l := range v.Logs {
		r := row{Time: l.Time.Format("2006-01-02 15:04:05.000"), Shard: l.Shard, Cells: make([]cell, len(t.Columns))}
		for _, f := range fields[i] {
			n, ok := place[f.Key]
			text := shorten(f.Value)
			if !ok {
				n, text = maxColumns, f.Key+": "+text
			}
			c := &r.Cells[n]
			if c.Key != "" { // a key twice in one log
				text = c.Value + "\n" + text
			}
			c.Key, c.Value = t.Columns[n], text
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// shorten cuts a long value at a character's end.
func shorten(s string) string {
	if len(s) <= maxValueBytes {
		return s
	}
	n := maxValueBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:n], len(s))
}

// chartHeight is the height of the chart, whose seconds are 1 wide each.
const chartHeight = 60

// Width is the chart's, one for each second.
func (a arrivals) Width() int { return len(a.Counts) }

// Height is the chart's, in the units of Bars.
func (a arrivals) Height() int { return chartHeight }

// Most is the most logs that landed in one second.
func (a arrivals) Most() int { return slices.Max(append([]int{0}, a.Counts...)) }

// Last is how many landed in the last second that is over.
func (a arrivals) Last() int { return a.Counts[len(a.Counts)-2] }

// Minutes is how far back the chart goes.
func (a arrivals) Minutes() int { return len(a.Counts) / 60 }

// Bars is an SVG path of a bar for each second with logs.
func (a arrivals) Bars() string {
	var path strings.Builder
	most := a.Most()
	for i, n := range a.Counts {
		if n > 0 {
			fmt.Fprintf(&path, "M%d %dv-%dh1V%d", i, chartHeight, max(1, n*chartHeight/most), chartHeight)
		}
	}
	return path.String()
}

// MoreLimit is the limit of a page with more of what was found, 0 where it is all there.
func (v *view) MoreLimit() int {
	if v.Found <= len(v.Logs) || v.Limit == maxLimit {
		return 0
	}
	return min(v.Limit*10, maxLimit)
}

// Count is how many logs have landed in the logstore shown.
func (v *view) Count() int { return v.shown().Count }

// Shards are the logs landed in each shard of the logstore shown.
func (v *view) Shards() []int64 { return v.shown().Shards }
