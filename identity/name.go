package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NameMatch says how two full names agree.
type NameMatch int

// The ways two names agree, from worst to best.
const (
	NameDiffers    NameMatch = iota // another name, or one is empty
	NameStateEqual                  // equal without marks, Đ as D, without spaces and punctuation: the form in which the State compares
	NameStrong                      // equal but for case, blanks and where the tone mark is placed
)

// The five tone marks as combining characters. Vietnamese orthography allows
// them on different vowels of one syllable (hòa, hoà), which no Unicode
// normalisation makes equal.
const tones = "\u0300\u0301\u0303\u0309\u0323"

// MatchNames compares two full names. Whole names only: registers keep given
// names wherever they please. i and y are different letters here.
func MatchNames(a, b string) NameMatch {
	stateA, stateB := StateName(a), StateName(b)
	switch {
	case stateA == "" || stateA != stateB:
		return NameDiffers
	case toneFolded(a) == toneFolded(b):
		return NameStrong
	}
	return NameStateEqual
}

// StateName is the form that the population database's users send: upper case,
// no marks, Đ as D, no spaces, ASCII letters and digits only. A name with a
// letter that has no such form (another script, a look-alike) gives "", which
// matches nothing.
func StateName(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(tidyName(name)) {
		switch {
		case r == 'Đ':
			b.WriteByte('D')
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r), unicode.IsSpace(r), unicode.IsPunct(r):
		default:
			return ""
		}
	}
	return b.String()
}

// UpperName is a name in upper case with its marks, in NFC and with single
// blanks: the other form in which the population database is asked. Whatever
// has no StateName gives "".
func UpperName(name string) string {
	if StateName(name) == "" {
		return ""
	}
	return tidyName(name)
}

// tidyName is NFC upper case with single blanks, without characters that have
// no width, and with every Đ look-alike of Latin script as U+0110.
func tidyName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case ignorable(r):
			return -1
		case r == '\u00d0' || r == '\u00f0' || r == '\u0189' || r == '\u0256' || r == 'đ':
			return 'Đ'
		case r == 'ı' || r == 'ſ':
			// Their upper case is I and S, which they are not.
			return unicode.ReplacementChar
		}
		return r
	}, norm.NFD.String(name))
	return norm.NFC.String(strings.ToUpper(strings.Join(strings.Fields(name), " ")))
}

// toneFolded writes each syllable as its letters without tone, then its tones,
// so that old and new placement compare equal.
func toneFolded(name string) string {
	syllables := strings.Fields(tidyName(name))
	for i, syllable := range syllables {
		var letters, marks strings.Builder
		for _, r := range norm.NFD.String(syllable) {
			if strings.ContainsRune(tones, r) {
				marks.WriteRune(r)
			} else {
				letters.WriteRune(r)
			}
		}
		syllables[i] = letters.String() + marks.String()
	}
	return strings.Join(syllables, " ")
}
