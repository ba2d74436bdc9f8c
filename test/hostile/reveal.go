package hostile

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
)

var (
	hexRun    = regexp.MustCompile(`[0-9a-fA-F]{12,}`)
	base64Run = regexp.MustCompile(`[0-9A-Za-z+/_-]{12,}`)
)

// Reveals tells whether a text shows a secret to somebody who tries: whole or a part of
// it, as it is or in the letters of hexadecimal digits, base64 or an address.
func Reveals(text, secret string) bool {
	const part = 8
	unquoted := strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\/`, `/`).Replace(text)
	readings := []string{text, unquoted}
	if plain, err := url.QueryUnescape(text); err == nil {
		readings = append(readings, plain)
	}
	for _, run := range hexRun.FindAllString(text, -1) {
		for from := range 2 {
			plain, _ := hex.DecodeString(run[from:]) // what stands before an error is decoded
			readings = append(readings, string(plain))
		}
	}
	for _, run := range base64Run.FindAllString(text, -1) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for from := range 4 {
			plain := make([]byte, len(run))
			n, _ := base64.RawStdEncoding.Decode(plain, []byte(run[from:])) // also
			readings = append(readings, string(plain[:n]))
		}
	}
	for i := 0; i+part <= len(secret); i++ {
		for _, reading := range readings {
			if strings.Contains(reading, secret[i:i+part]) {
				return true
			}
		}
	}
	return false
}
