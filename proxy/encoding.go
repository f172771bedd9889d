package proxy

import (
	"encoding/base64"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Encoding is how a text is written into a header, whose own alphabet is
// ASCII (RFC 9110, 5.5).
type Encoding string

// The encodings.
const (
	UTF8    Encoding = "utf8"    // as it is, in raw UTF-8
	Percent Encoding = "percent" // percent-encoded UTF-8; the unreserved of RFC 3986, 2.3 stay
	RFC2047 Encoding = "rfc2047" // MIME encoded-words, base64
	Base64  Encoding = "base64"  // standard base64 of the UTF-8, padded
	ASCII   Encoding = "ascii"   // without marks, Đ as D; "?" for what has no such form

	Windows1258 Encoding = "windows-1258" // the code page of Vietnamese Windows
	TCVN3       Encoding = "tcvn3"        // TCVN 5712:1993, third table (ABC fonts)
)

func (e Encoding) known() bool {
	switch e {
	case "", UTF8, Percent, RFC2047, Base64, ASCII, Windows1258, TCVN3:
		return true
	}
	return false
}

// write encodes a text. It reports false where a header cannot carry the
// result as it is: a control character, a text that is no UTF-8, and a blank
// at either end, which HTTP trims, so that "admin " would arrive as "admin".
func (e Encoding) write(s string) (string, bool) {
	switch e {
	case Percent:
		s = percent(s)
	case RFC2047:
		s = mime.BEncoding.Encode("utf-8", s)
	case Base64:
		s = base64.StdEncoding.EncodeToString([]byte(s))
	case ASCII:
		s = unaccented(s)
	case Windows1258:
		return coded(windows1258(s))
	case TCVN3:
		return coded(tcvn3(s))
	}
	return s, sendable(s)
}

// coded holds a text in a code page to what a header carries (RFC 9110, 5.5:
// bytes above ASCII are "obs-text").
func coded(s string, ok bool) (string, bool) {
	control := func(c byte) bool { return c < ' ' || c == 0x7f }
	for i := range len(s) {
		ok = ok && !control(s[i])
	}
	return s, ok && s != "" && s[0] != ' ' && s[len(s)-1] != ' '
}

func sendable(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' || s[i] == 0x7f {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) && strings.TrimSpace(s) == s
		}
	}
	return s != "" && s[0] != ' ' && s[len(s)-1] != ' '
}

const upperHex = "0123456789ABCDEF"

func percent(s string) string {
	b := make([]byte, 0, len(s)*2)
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

func unaccented(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'Đ':
			return 'D'
		case r == 'đ':
			return 'd'
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, norm.NFD.String(s))
}
