package display

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// formsOf returns a secret and what it looks like where others repeat it: quoted, in an
// address, as hexadecimal digits, and in base64, as SASL/PLAIN is often logged. Whoever
// wants to show it finds another form; these are those of tools that mean well.
func formsOf(secret string) (forms []string) {
	quoted := strconv.Quote(secret)
	escaped, _ := json.Marshal(secret) // a string can always be
	escaped = escaped[1 : len(escaped)-1]
	digits := hex.EncodeToString([]byte(secret))
	all := []string{secret, quoted[1 : len(quoted)-1], string(escaped), strings.ReplaceAll(secret, "/", `\/`), url.QueryEscape(secret), url.PathEscape(secret), digits, strings.ToUpper(digits)}
	for before := range 3 {
		all = append(all, base64Core(base64.RawStdEncoding, secret, before), base64Core(base64.RawURLEncoding, secret, before))
	}
	for _, form := range all {
		if len(form) >= shortestSecret && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return forms
}

// base64Core returns the letters that a secret has within a longer text in base64. They
// depend on how many bytes stand before it, modulo three; the letters at its ends also on
// its neighbours, and are left out.
func base64Core(e *base64.Encoding, secret string, before int) string {
	const bits = 6 // a letter
	text := e.EncodeToString(append(make([]byte, before), secret...))
	return text[(8*before+bits-1)/bits : 8*(before+len(secret))/bits]
}
