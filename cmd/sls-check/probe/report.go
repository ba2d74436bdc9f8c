package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
)

// anonymise is the last guard: what the report must not tell is not in any of its texts, whatever an endpoint answered.
func (p *prober) anonymise(r *Report) {
	id, secret, _ := strings.Cut(p.password, "#")
	secrets := []string{p.password, secret, id, string(p.t.STS), p.user, p.t.Config.Logstore, p.t.Group}
	for _, address := range append([]string{p.t.Other}, p.t.Config.Endpoints...) {
		host, _, _ := net.SplitHostPort(address)
		secrets = append(secrets, address, host)
	}
	var pairs []string
	for _, s := range secrets {
		if len(s) > 2 { // shorter ones stand in words by chance
			pairs = append(pairs, s, "***")
		}
	}
	masks := strings.NewReplacer(pairs...)
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Outcome != row.Documented && row.Outcome != row.Local { // those are words of our own
			row.Outcome = masks.Replace(printable(row.Outcome))
		}
		row.Detail = masks.Replace(printable(row.Detail))
	}
}

// summary counts the verdicts.
func (r *Report) summary() string {
	var texts []string
	for _, v := range []Verdict{AsDocumented, AsLocal, Differs, NotSeen, NotTried} {
		texts = append(texts, fmt.Sprintf("%d %s", r.Count(v), v))
	}
	return fmt.Sprintf("%d experiments: %s", len(r.Rows), strings.Join(texts, ", "))
}

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	part := ""
	for _, row := range r.Rows {
		if row.Part != part {
			part = row.Part
			if _, err := fmt.Fprintf(w, "\n%s\n", part); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "  %-22s %-22s %s\n", row.ID, row.Verdict, row.explained()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s", r.summary(), r.look())
	return err
}

func (r *Report) look() string {
	if r.Look == "" {
		return ""
	}
	return r.Look + "\n"
}

// explained is the outcome, with the detail, and what was expected instead.
func (row *Row) explained() string {
	text := row.Outcome
	if row.Detail != "" {
		text = strings.TrimPrefix(text+" ("+row.Detail+")", " ")
	}
	if row.Verdict == Differs {
		if row.Documented != "" {
			text += "; documented: " + row.Documented
		} else {
			text += "; the local endpoint: " + row.Local
		}
	}
	return text
}

// WriteJSON writes the report for a program.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteMarkdown writes the report for an issue on GitHub.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "sls-check %s, -probe, %s. %s.\n", cell(r.Version), r.Date, r.summary())
	b.WriteString("\n| experiment | what it asks | outcome | expected | |\n|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		expected := row.Local
		if row.Documented != "" {
			expected = row.Documented
		}
		outcome := row.Outcome
		if row.Detail != "" {
			outcome = strings.TrimPrefix(outcome+" ("+row.Detail+")", " ")
		}
		verdict := string(row.Verdict)
		if row.Verdict == Differs {
			verdict = "**" + verdict + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.ID, cell(row.Asks), cell(outcome), cell(expected), verdict)
	}
	if r.Look != "" {
		b.WriteString("\n" + r.Look + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell is a text in a table: one line, and nothing in it is Markdown.
func cell(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "`", "'", "<", "&lt;", "*", "\\*", "__", "\\_\\_", "[", "\\[", "@", "&#64;", "#", "&#35;").Replace(text)
}
