package proxy

import (
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// windows1258 writes a text in the code page of old Windows portals: the letter
// with its circumflex, breve or horn, and the tone as a mark of its own. It
// reports false for what the page does not hold.
func windows1258(s string) (string, bool) {
	var b strings.Builder
	put := func(r rune) bool {
		c, ok := charmap.Windows1258.EncodeRune(r)
		b.WriteByte(c)
		return ok
	}
	for _, r := range norm.NFC.String(s) {
		if _, whole := charmap.Windows1258.EncodeRune(r); whole {
			put(r)
			continue
		}
		letter, tone := "", rune(0)
		for _, part := range norm.NFD.String(string(r)) {
			if strings.ContainsRune(tones, part) {
				tone = part
			} else {
				letter += string(part)
			}
		}
		for _, part := range norm.NFC.String(letter) {
			if !put(part) {
				return "", false
			}
		}
		if tone == 0 || !put(tone) {
			return "", false
		}
	}
	return b.String(), true
}

// tones are grave, acute, tilde, hook above and dot below.
const tones = "\u0300\u0301\u0303\u0309\u0323"

// tcvnLetters are TCVN 5712:1993's third table (ABC), by byte; "·" is none.
const (
	tcvnFirst   = 0xA1
	tcvnLetters = "ĂÂÊÔƠƯĐăâêôơưđ" + // A1
		"······àảãáạ·ằẳẵắ·······" + // AF
		"ặầẩẫấậè·ẻẽéẹềểễếệìỉ···ĩíịò·ỏõóọồổỗốộờởỡớợù·ủũúụừửữứựỳỷỹýỵ" // C6
)

// tcvn3 writes a text in the code of old fonts (.VnTime and the like), which
// has no capitals with tones: those are written as the small letter, as its
// users did. It reports false for what is no Vietnamese letter.
func tcvn3(s string) (string, bool) {
	letters := []rune(tcvnLetters)
	var b strings.Builder
	for _, r := range norm.NFC.String(s) {
		at := -1
		for i, letter := range letters {
			if letter == r || at < 0 && letter == unicode.ToLower(r) {
				at = i
			}
		}
		switch {
		case r < 0x80:
			b.WriteByte(byte(r))
		case at < 0 || r == '·':
			return "", false
		default:
			b.WriteByte(byte(tcvnFirst + at))
		}
	}
	return b.String(), true
}
