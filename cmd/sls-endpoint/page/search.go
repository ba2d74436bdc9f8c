package page

import (
	"strings"

	"out_sls_kafka/test/sls"
)

// term is one word of a search, in lower case.
type term struct {
	text       string
	key, value string // of a word of the form key:value
}

// parseSearch reads a search: words between spaces. A log must contain all of them, in whatever case. A word key:value
// looks for value in that field too, as SLS's own search does.
func parseSearch(search string) []term {
	var terms []term
	for _, word := range strings.Fields(strings.ToLower(search)) {
		t := term{text: word}
		t.key, t.value, _ = strings.Cut(word, ":")
		terms = append(terms, t)
	}
	return terms
}

func matches(terms []term, fields []sls.Field) bool {
	for _, t := range terms {
		if !t.in(fields) {
			return false
		}
	}
	return true
}

func (t *term) in(fields []sls.Field) bool {
	for _, f := range fields {
		value := strings.ToLower(f.Value)
		if strings.Contains(value, t.text) || t.value != "" && strings.ToLower(f.Key) == t.key && strings.Contains(value, t.value) {
			return true
		}
	}
	return false
}
