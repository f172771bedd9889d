package vneid

import (
	"net/url"
	"strings"
)

// maxCallback bounds a callback's query, in bytes; VNeID's encrypted code and
// key take about a thousand.
const maxCallback = 8 << 10

// Callback is what a provider sent back through the browser: everything in it
// may have been written by a stranger.
type Callback struct {
	State      string // never empty
	Code       string // empty iff Error is not
	Issuer     string // RFC 9207, "" where not sent
	Error      string // RFC 6749, 4.1.2.1: an error code
	EncryptKey string // VNeID's encrypted profile, "" where not sent
}

// ParseCallback reads the query of a callback. No parameter may occur twice
// (RFC 6749, 3.1), there is a state, and a code or an error but not both; all
// are printable ASCII; otherwise an *Error with ReasonCallback. A plus sign
// stays one: VNeID sends Base64 unescaped, and nothing that we read holds
// blanks. Parameters that we do not know are ignored, error_description too:
// it is a stranger's words.
func ParseCallback(rawQuery string) (Callback, error) {
	if len(rawQuery) > maxCallback {
		return Callback{}, fault(ReasonCallback)
	}
	query, err := url.ParseQuery(strings.ReplaceAll(rawQuery, "+", "%2B"))
	if err != nil {
		return Callback{}, fault(ReasonCallback)
	}
	for _, values := range query {
		if len(values) != 1 {
			return Callback{}, fault(ReasonCallback)
		}
	}
	c := Callback{
		State: query.Get("state"), Code: query.Get("code"), Issuer: query.Get("iss"),
		Error: query.Get("error"), EncryptKey: query.Get("encrypt_key"),
	}
	for _, text := range []string{c.State, c.Code, c.Issuer, c.Error, c.EncryptKey} {
		if !printable(text) {
			return Callback{}, fault(ReasonCallback)
		}
	}
	if c.State == "" || (c.Code == "") == (c.Error == "") {
		return Callback{}, fault(ReasonCallback)
	}
	return c, nil
}

func printable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
