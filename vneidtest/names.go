package vneidtest

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plainName is a name as the population database compares it: upper case, no
// marks, Đ as D, letters and digits only. It is written apart from
// identity.StateName on purpose: two independent readings of one rule.
func plainName(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		switch r = unicode.ToUpper(r); {
		case r == 'Đ':
			b.WriteByte('D')
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
