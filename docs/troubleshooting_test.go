package docs

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"out_sls_kafka/test/run"
)

const troubleshooting = "troubleshooting.md"

// Texts that no user of Fluent Bit can meet, and why.
var unreachable = map[string]string{
	"access_key_id and access_key_secret":                                                                       "stands behind: here it is",
	"encoder: Format %d is unknown; allowed are FormatJSON and FormatRaw":                                       "package plugin sets no other",
	"encoder: FormatRaw needs RawKey, the name of the field that is the record":                                 "raw_key has a default",
	"encoder: TimeFormat %d is unknown; allowed are TimeISO8601, TimeEpoch, TimeEpochMillis and TimeEpochNanos": "package plugin sets no other",
	"encoder: Metrics %d is unknown; allowed are MetricsJSON and MetricsStore":                                  "package plugin sets no other",
	"encoder: Oversize %d is unknown; allowed are OversizeReject and OversizeTruncate":                          "package plugin sets no other",
	"encoder: ReservedKeys.Policy %d is unknown; allowed are ReservedKeep, ReservedRename and ReservedDrop":     "package plugin sets no other",
	"encoder: ReservedKeys has the name %q; allowed are names of two bytes or more that begin with _":           "package config has the names",
	"encoder: ReservedKeys.MaxBytes is too small for a key with a hash":                                         "package config has the number",
	"encoder: MaxBytes is %d; allowed are 0 (no limit) and more":                                                "max_message_bytes is checked before",
	"the client answers a produce request with a %T":                                                            "the client's answer is of the request's kind",
	"acks, timeout and backoff must be given: a broker that does not answer cannot report a loss":               "all three have defaults",
	"the probe did not end":                  "it begins a wait and is in no line: the panic before it is",
	"a chunk cannot be in state %d after %d": "each step of a chunk is in the table of states",
	"a batch cannot be %s after %s":          "each step of a batch is in the table of states",
	"it is closed":                           "the spool is closed when nothing is put in any more",
	"it does not begin as a segment does":    "what is in such a file is looked for all the same, and the line about damage names it",
	"in flight":                              "the name of a state in the line above",
	"not known":                              "compression is checked before",
	"batches of %d bytes and requests of %d cannot be made": "max_message_bytes is checked before",
	"a goroutine of the producer did not end: %w":           "the output logs that a goroutine did not end",
	"empty": "an empty option is unset",
}

// line is a line of the log as the document shows it: with … for what differs.
type line struct{ level, text string }

var (
	ours = regexp.MustCompile(`^\[(error|warn|info|debug)\] (.*)$`)
	// load is how the document shortens what is in flight, at a line's end.
	load = regexp.MustCompile(` \[…\]$`)
)

// The heads of the first columns of the tables in the document.
const (
	headOurs   = "the log says"    // lines of the plugin; a text without a level is part of one
	headParts  = "the line says"   // parts of such lines
	headTheirs = "Fluent Bit says" // lines of Fluent Bit
)

// documented are the lines of the plugin in the document, and the texts that
// it shows one by one.
func documented(t *testing.T) (lines []line, texts []string) {
	t.Helper()
	for _, s := range sections(t, troubleshooting) {
		for _, cell := range firstCells(s.body, headOurs) {
			if m := ours.FindStringSubmatch(cell); m != nil {
				lines = append(lines, line{m[1], load.ReplaceAllString(m[2], "")})
			}
		}
		texts = append(texts, spans(s.body)...)
	}
	return lines, texts
}

// wordsOfPart is how many words a text needs to count as shown where it stands within a line: fewer may be there by
// chance.
const wordsOfPart = 4

// missing are the texts that the document does not show.
func missing(all []logText, lines []line, texts []string) (found []logText) {
	for _, line := range lines {
		texts = append(texts, line.text)
	}
	for _, want := range all {
		if _, ok := unreachable[want.format]; ok {
			continue
		}
		pattern := want.pattern()
		if want.level == "" && words(want.format) >= wordsOfPart {
			pattern = regexp.MustCompile(want.expression())
		}
		isLine := func(l line) bool { return want.level == l.level && pattern.MatchString(l.text) }
		if !slices.ContainsFunc(lines, isLine) && (want.level != "" || !slices.ContainsFunc(texts, pattern.MatchString)) {
			found = append(found, want)
		}
	}
	return found
}

func allTexts(t *testing.T) []logText {
	t.Helper()
	files, err := sources(root)
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	all, err := logTexts(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"host/notifier.c", "host/fluentbit.c", "host/process.c"} {
		inC, err := reasonsInC(filepath.Join(root, file))
		if err != nil || len(inC) == 0 {
			t.Fatalf("no reasons in %s: %v", file, err)
		}
		all = append(all, inC...)
	}
	return all
}

// Whatever the plugin can log stands in the document, word for word.
func TestEveryLogLineIsDocumented(t *testing.T) {
	all := allTexts(t)
	lines, texts := documented(t)
	for _, m := range missing(all, lines, texts) {
		t.Errorf("%s: %s does not show %q (level %q); document it there, or say in the table of unreachable texts why nobody meets it",
			m.at, troubleshooting, m.format, m.level)
	}
	t.Logf("%d texts in the sources, %d lines and %d texts in the document", len(all), len(lines), len(texts))
}

// And nothing stands there that the plugin does not log any more.
func TestEveryDocumentedLineIsLogged(t *testing.T) {
	var patterns []*regexp.Regexp
	formats := make(map[string]bool)
	for _, text := range allTexts(t) {
		formats[text.format] = true
		patterns = append(patterns, text.pattern())
	}
	logged := func(line string) bool {
		for _, p := range patterns {
			if p.MatchString(line) {
				return true
			}
		}
		return false
	}
	lines, _ := documented(t)
	for _, s := range sections(t, troubleshooting) {
		for _, cell := range append(firstCells(s.body, headParts), firstCells(s.body, headOurs)...) {
			if !ours.MatchString(cell) {
				lines = append(lines, line{"", cell})
			}
		}
	}
	for _, l := range lines {
		if !logged(l.text) {
			t.Errorf("%s shows %q, which the sources do not have", troubleshooting, l.text)
		}
	}
	for format := range unreachable {
		if !formats[format] {
			t.Errorf("the table of unreachable texts has %q, which the sources do not have", format)
		}
	}
}

// Each line comes with its meaning, whether anything is lost, and what to do.
func TestEveryLineHasItsAnswers(t *testing.T) {
	n := 0
	for _, s := range sections(t, troubleshooting) {
		for _, table := range tables(s.body) {
			if table.head[0] != headOurs && table.head[0] != headTheirs {
				continue
			}
			if !slices.Contains(table.head, "lost") && !strings.Contains(s.body, "**Lost:**") {
				t.Errorf("%s, %q: no column lost, and no **Lost:** for all", troubleshooting, s.title)
			}
			for _, answer := range []string{"means", "do"} {
				if !slices.Contains(table.head, answer) {
					t.Errorf("%s, %q: no column %s", troubleshooting, s.title, answer)
				}
			}
			for _, row := range table.rows {
				n += len(spans(row[0]))
				if len(row) != len(table.head) || slices.Contains(row, "") {
					t.Errorf("%s, %q: want %d cells with something in each: %s", troubleshooting, s.title, len(table.head), row)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d lines", n)
	}
}

// A text that is new to the sources is missed, in whatever form it is written.
func TestNewLogLineIsMissed(t *testing.T) {
	const source = `package plugin
func (o *Output) new() (faults []Fault, err error) {
	o.log.Errorf("quite a new line: %v", err)
	o.log.Warnf("another level of it")
	hint := "; some new hint"
	faults = append(faults, Fault{"key", "", "a problem never seen", "what is allowed"})
	faults = []Fault{{"key", "", "newfangled", "what is allowed"}}
	fault("key", "value", "strange " + hint, "what is allowed")
	err = errors.New("unheard")
	err = errors.New("more chunks wait") // within a line of the document, perhaps by chance
	err = errors.New("the broker refuses a record") // within one, and long enough
	err = fmt.Errorf("an error around: %w", err)
	switch {
	case true:
		return "some advice of " + hint + " kind"
	}
	o.log.Infof("delivery works again after %v [%s]") // is documented
	o.log.Errorf("delivery works again after %v [%s]") // but at another level
	table := []option{{name: "x", help: "a help text", allowed: "what is allowed"}}
}`
	want := []string{"quite a new line: %v", "another level of it", "; some new hint", "a problem never seen", "newfangled", "strange %v",
		"unheard", "more chunks wait", "an error around: %w", "some advice of %v kind", "delivery works again after %v [%s]"}
	file := filepath.Join(t.TempDir(), "new.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := logTexts([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	lines, texts := documented(t)
	var got []string
	for _, m := range missing(all, lines, texts) {
		got = append(got, m.format)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("missed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The lines of Fluent Bit itself are those that its executable holds.
func TestFluentBitLines(t *testing.T) {
	const version = "Fluent Bit v5.1.1"
	path := run.NeedFluentBit(t, "the lines of Fluent Bit in "+troubleshooting)
	if got, err := run.Version(path); err != nil || got != version {
		t.Skipf("%s is %q (%v): %s has the lines of %s", path, got, err, troubleshooting, version)
	}
	executable, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range sections(t, troubleshooting) {
		for _, cell := range firstCells(s.body, headTheirs) {
			n++
			for part := range strings.SplitSeq(ours.ReplaceAllString(cell, "$2"), "…") {
				if !bytes.Contains(executable, []byte(part)) {
					t.Errorf("%s shows %q; %s does not hold %q", troubleshooting, cell, version, part)
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d lines of Fluent Bit", n)
	}
}
