package display

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Hidden is what stands in place of a secret.
const Hidden = "***"

const (
	// shortestSecret is how long a secret is that counts also as a part of a text.
	shortestSecret = 6
	// mostSecrets bounds those that are remembered: a file of credentials may change.
	mostSecrets = 256
)

// Secrets are texts that must not be shown. A nil *Secrets has none. Its methods may be
// called from several goroutines.
type Secrets struct {
	mu  sync.RWMutex
	all []secret
}

// secret is one, and its forms in the texts of others; none if it is too short for that.
type secret struct {
	text  string
	forms []string
}

// Add adds a secret, and of one that is id#secret the secret itself as well.
func (s *Secrets) Add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, behind, _ := strings.Cut(text, "#")
	for _, t := range []string{text, behind} {
		if t = strings.TrimSpace(t); t == "" || s.hasLocked(t) {
			continue
		}
		if len(s.all) >= mostSecrets {
			s.all = slices.Delete(s.all, 0, 1)
		}
		added := secret{text: t}
		if len(t) >= shortestSecret {
			added.forms = formsOf(t)
		}
		s.all = append(s.all, added)
	}
}

// Hide returns text with "***" in place of each secret, in whatever form of [formsOf].
func (s *Secrets) Hide(text string) string {
	if s == nil {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.all {
		for _, form := range secret.forms {
			text = strings.ReplaceAll(text, form, Hidden)
		}
	}
	return text
}

// Value returns the value of an option as it may be shown. A secret easily gets into the
// wrong one: id#secret where a file's name belongs, user:secret@host as the endpoint, a
// key in place of the file that it is in. In an address # and @ may be %23 and %40.
func (s *Secrets) Value(v string) string {
	switch {
	case strings.Contains(v, "#"), strings.Contains(v, "%23"), strings.Contains(v, "%40"), strings.Contains(strings.ToUpper(v), "-----BEGIN"), s.has(v):
		return Hidden
	}
	return randomRun.ReplaceAllStringFunc(s.Hide(withoutUser(v)), func(run string) string {
		if LooksRandom(run) {
			return Hidden
		}
		return run
	})
}

// has tells whether a value is a secret, or holds one.
func (s *Secrets) has(v string) bool {
	if s == nil {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.hasLocked(strings.Trim(v, " \t\"'"))
}

func (s *Secrets) hasLocked(text string) bool {
	return slices.ContainsFunc(s.all, func(one secret) bool { return one.text == text })
}

// withoutUser hides what stands before the @ of an address.
func withoutUser(v string) string {
	at := strings.LastIndex(v, "@")
	if at <= 0 { // @timestamp is a key
		return v
	}
	scheme := ""
	if i := strings.Index(v[:at], "://"); i >= 0 {
		scheme = v[:i+len("://")]
	}
	return scheme + Hidden + v[at:]
}

// randomRun is what LooksRandom may be true of.
var randomRun = regexp.MustCompile(`[A-Za-z0-9]{24,}`)

// LooksRandom tells whether a value is like the secrets of an AccessKey: 30 letters and
// digits without a word in between. No option has such values.
func LooksRandom(v string) bool {
	const least = 24
	var lower, upper, digit bool
	for _, c := range []byte(v) {
		switch {
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= '0' && c <= '9':
			digit = true
		default:
			return false
		}
	}
	return len(v) >= least && lower && upper && digit
}

// String hides all of them.
func (s *Secrets) String() string { return Hidden }

// GoString hides all of them, for %#v.
func (s *Secrets) GoString() string { return Hidden }
