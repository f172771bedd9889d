package identity_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"vneid-proxy/identity"
)

// A letter is one letter of a Vietnamese name taken apart: what the State's
// form keeps of it, and the mark that makes â, ă, ơ or đ of it.
type letter struct {
	base byte // 'A' to 'Z'
	mark rune // 0 for none
	tone rune // 0 for none
}

// A spelt name is made letter by letter, so that its State form is known
// without asking the code under test.
type spelt []([]letter) // syllables

func (s spelt) state() string {
	var b strings.Builder
	for _, syllable := range s {
		for _, l := range syllable {
			b.WriteByte(l.base)
		}
	}
	return b.String()
}

func (s spelt) clone() spelt {
	var c spelt
	for _, syllable := range s {
		c = append(c, append([]letter(nil), syllable...))
	}
	return c
}

// write spells the name as one of the ways in which people, keyboards and old
// systems write it: what changes here changes nothing for a reader.
func (s spelt) write(random *rand.Rand) string {
	forms := []func(string) string{norm.NFC.String, norm.NFD.String, func(text string) string { return text }}
	cases := []func(string) string{strings.ToUpper, strings.ToLower, func(text string) string { return text }}
	blanks := []string{" ", "  ", "\u00a0", "\t", " \u200b", "\u3000"}
	form, fold := forms[random.IntN(len(forms))], cases[random.IntN(len(cases))]
	var b strings.Builder
	for i, syllable := range s {
		if i > 0 {
			b.WriteString(blanks[random.IntN(len(blanks))])
		}
		for _, l := range syllable {
			b.WriteString(l.write(random))
			if random.IntN(12) == 0 {
				b.WriteString([]string{"\u200b", "\u200d", "\ufeff", "\u00ad"}[random.IntN(4)])
			}
		}
	}
	return form(fold(b.String()))
}

func (l letter) write(random *rand.Rand) string {
	text := string(rune(l.base))
	if random.IntN(2) == 0 {
		text = strings.ToLower(text)
	}
	if l.mark == 'Đ' {
		text = []string{"Đ", "đ", "\u00d0", "\u00f0", "\u0189"}[random.IntN(5)]
		return text
	}
	marks := []string{}
	for _, mark := range []rune{l.mark, l.tone} {
		if mark != 0 {
			marks = append(marks, string(mark))
		}
	}
	// A mark below and one above may stand in either order: they do not touch.
	if len(marks) == 2 && l.tone == '\u0323' && random.IntN(2) == 0 {
		marks[0], marks[1] = marks[1], marks[0]
	}
	return text + strings.Join(marks, "")
}

func choose[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// invent makes a name of two to five syllables.
func invent(random *rand.Rand) spelt {
	onsets := []string{"", "B", "C", "CH", "D", "G", "H", "KH", "L", "M", "N", "NG", "PH", "QU", "S", "T", "TH", "TR", "V", "X"}
	middles := []string{"A", "E", "I", "O", "U", "Y", "OA", "OE", "UY", "UO", "IE", "AO", "AI"}
	ends := []string{"", "", "", "N", "NG", "NH", "M", "C", "T", "P"}
	marks := map[byte][]rune{'A': {0, '\u0302', '\u0306'}, 'E': {0, '\u0302'}, 'O': {0, '\u0302', '\u031b'}, 'U': {0, '\u031b'}, 'D': {0, 'Đ'}}
	var name spelt
	for range 2 + random.IntN(4) {
		onset, middle := choose(random, onsets), choose(random, middles)
		var syllable []letter
		for i, base := range []byte(onset + middle + choose(random, ends)) {
			l := letter{base: base}
			if options := marks[base]; options != nil && (base == 'D' || i >= len(onset)) {
				l.mark = choose(random, options)
			}
			syllable = append(syllable, l)
		}
		syllable[len(onset)+random.IntN(len(middle))].tone = choose(random, []rune{0, '\u0300', '\u0301', '\u0303', '\u0309', '\u0323'})
		name = append(name, syllable)
	}
	return name
}

// vowels are the places of a syllable at which a tone may be written.
func vowels(syllable []letter) (at []int) {
	for i, l := range syllable {
		if strings.IndexByte("AEIOUY", l.base) >= 0 {
			at = append(at, i)
		}
	}
	return at
}

// Whatever the State's form equates is accepted, and the better match is told
// where nothing but the way of writing differs; whatever the State's form
// tells apart is not accepted.
func TestNamesAsTheStateComparesThem(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		name := invent(random)
		written := name.write(random)
		require.Equal(t, name.state(), identity.StateName(written), "%+q", written)

		again := name.clone()
		for _, syllable := range again { // hòa, hoà
			if at := vowels(syllable); len(at) > 1 {
				from, to := choose(random, at), choose(random, at)
				if syllable[from].tone != 0 && from != to {
					syllable[from].tone, syllable[to].tone = 0, syllable[from].tone
				}
			}
		}
		other := again.write(random)
		require.Equal(t, identity.NameStrong, identity.MatchNames(written, other), "%+q, %+q", written, other)

		bare := again.clone()
		for _, syllable := range bare {
			for i := range syllable {
				if random.IntN(2) == 0 {
					syllable[i].tone = 0
				}
				if random.IntN(2) == 0 {
					syllable[i].mark = 0
				}
			}
		}
		joints := []string{"", "-", ".", "'", " "}
		other = strings.Join(strings.Fields(strings.ReplaceAll(bare.write(random), "\u200b", "")), choose(random, joints))
		require.NotEqual(t, identity.NameDiffers, identity.MatchNames(written, other), "%+q, %+q", written, other)

		wrong := again.clone()
		place := wrong[random.IntN(len(wrong))]
		at := random.IntN(len(place))
		place[at] = letter{base: byte('A' + (int(place[at].base-'A')+1+random.IntN(25))%26)}
		other = wrong.write(random)
		require.NotEqual(t, name.state(), wrong.state())
		require.Equal(t, identity.NameDiffers, identity.MatchNames(written, other), "%+q, %+q", written, other)

		missing := append(again[:len(again)-1:len(again)-1], again[len(again)-1][1:])
		other = missing.write(random)
		require.Equal(t, identity.NameDiffers, identity.MatchNames(written, other), "%+q, %+q", written, other)

		for i := range again {
			for j := range again[i] {
				if swap := strings.IndexByte("IY", again[i][j].base); swap >= 0 {
					twin := again.clone()
					twin[i][j].base = "YI"[swap]
					other = twin.write(random)
					require.Equal(t, identity.NameDiffers, identity.MatchNames(written, other), "i and y: %+q, %+q", written, other)
				}
			}
		}
	}
}
