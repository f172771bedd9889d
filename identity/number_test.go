package identity_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
)

// Numbers of these tests begin with 099, a province code that nobody has.
const cccd, cmnd = "099204001238", "099876543"

// typed are the spellings of digits that people type and paste; each function
// spells the same number another way.
var typed = map[string]func(digits string) string{
	"plain":                   func(d string) string { return d },
	"blanks between":          func(d string) string { return spread(d, " ") },
	"blanks around":           func(d string) string { return "  " + d + "\t\r\n" },
	"dots":                    func(d string) string { return spread(d, ".") },
	"full-width dots":         func(d string) string { return spread(d, "．") },
	"dashes":                  func(d string) string { return d[:3] + "-" + d[3:6] + "-" + d[6:] },
	"en dash":                 func(d string) string { return d[:3] + "–" + d[3:] },
	"non-breaking hyphen":     func(d string) string { return d[:3] + "\u2011" + d[3:] },
	"full-width hyphen":       func(d string) string { return d[:3] + "－" + d[3:] },
	"minus sign":              func(d string) string { return d[:3] + "−" + d[3:] },
	"no-break space":          func(d string) string { return d[:3] + "\u00a0" + d[3:] },
	"narrow no-break space":   func(d string) string { return d[:3] + "\u202f" + d[3:] },
	"ideographic space":       func(d string) string { return d[:3] + "\u3000" + d[3:] },
	"zero-width space":        func(d string) string { return spread(d, "\u200b") },
	"zero-width joiner":       func(d string) string { return d[:3] + "\u200d" + d[3:] },
	"word joiner":             func(d string) string { return d[:3] + "\u2060" + d[3:] },
	"byte order mark":         func(d string) string { return "\ufeff" + d },
	"soft hyphen":             func(d string) string { return d[:3] + "\u00ad" + d[3:] },
	"direction marks":         func(d string) string { return "\u202a" + d + "\u202c" },
	"grapheme joiner":         func(d string) string { return d[:3] + "\u034f" + d[3:] },
	"variation selector":      func(d string) string { return d[:3] + "\ufe0f" + d[3:] },
	"full-width digits":       fullWidth,
	"full-width and spread":   func(d string) string { return spread(fullWidth(d), "\u3000") },
	"half of it full-width":   func(d string) string { return d[:5] + fullWidth(d[5:]) },
	"two hundred bytes":       func(d string) string { return d + strings.Repeat(" ", 200-len(d)) },
	"every separator at once": func(d string) string { return d[:2] + " .-\u00a0\u200b–" + d[2:] },
}

func spread(s, separator string) string {
	return strings.Join(strings.Split(s, ""), separator)
}

func fullWidth(digits string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, digits)
}

// refused turn a good number into none.
var refused = map[string]func(digits string) string{
	"nothing":                func(string) string { return "" },
	"blanks alone":           func(string) string { return " \u00a0\u200b " },
	"separators alone":       func(string) string { return ".-.-" },
	"one short":              func(d string) string { return d[1:] },
	"one long":               func(d string) string { return d + "1" },
	"twice":                  func(d string) string { return d + d },
	"twice, spaced":          func(d string) string { return d + " " + d },
	"letter O for zero":      func(d string) string { return "O" + d[1:] },
	"letter o for zero":      func(d string) string { return "o" + d[1:] },
	"letter l for one":       func(d string) string { return d[:len(d)-1] + "l" },
	"letter I for one":       func(d string) string { return d[:len(d)-1] + "I" },
	"Cyrillic o":             func(d string) string { return "о" + d[1:] },
	"all equal":              func(d string) string { return strings.Repeat("7", len(d)) },
	"all zero":               func(d string) string { return strings.Repeat("0", len(d)) },
	"all equal, full-width":  func(d string) string { return strings.Repeat("７", len(d)) },
	"all equal, spread":      func(d string) string { return spread(strings.Repeat("7", len(d)), "-") },
	"Arabic-Indic digits":    func(d string) string { return strings.Repeat("٠١٢", 4)[:2*len(d)] },
	"mathematical digits":    func(d string) string { return "𝟎" + d[1:] },
	"superscript":            func(d string) string { return d[:len(d)-1] + "²" },
	"plus sign":              func(d string) string { return "+" + d },
	"comma":                  func(d string) string { return d[:3] + "," + d[3:] },
	"slash":                  func(d string) string { return d[:3] + "/" + d[3:] },
	"underscore":             func(d string) string { return d[:3] + "_" + d[3:] },
	"apostrophe of a sheet":  func(d string) string { return "'" + d },
	"null byte":              func(d string) string { return d + "\x00" },
	"escape":                 func(d string) string { return d[:3] + "\x1b" + d[3:] },
	"invalid UTF-8":          func(d string) string { return d + "\xff" },
	"exponent":               func(d string) string { return d[:1] + "e" + d[2:] },
	"percent-encoded":        func(d string) string { return "%30" + d[1:] },
	"201 bytes":              func(d string) string { return d + strings.Repeat(" ", 201-len(d)) },
	"a megabyte":             func(d string) string { return strings.Repeat(" ", 1<<20) + d },
	"combining mark":         func(d string) string { return d[:3] + "\u0301" + d[3:] },
	"middle dot":             func(d string) string { return d[:3] + "·" + d[3:] },
	"a word before":          func(d string) string { return "CCCD " + d },
	"negative, in a bracket": func(d string) string { return "(" + d + ")" },
}

func TestNumberAsTyped(t *testing.T) {
	for name, spell := range typed {
		t.Run(name, func(t *testing.T) {
			n, err := identity.ParseCitizenNumber(spell(cccd))
			require.NoError(t, err)
			assert.Equal(t, cccd, n.Reveal())
			assert.False(t, n.IsZero())

			c, err := identity.ParseIDCardNumber(spell(cmnd))
			require.NoError(t, err)
			assert.Equal(t, cmnd, c.Reveal())
			assert.False(t, c.IsZero())
		})
	}
}

func TestNumberRefused(t *testing.T) {
	for name, spoil := range refused {
		t.Run(name, func(t *testing.T) {
			n, err := identity.ParseCitizenNumber(spoil(cccd))
			assert.ErrorIs(t, err, identity.ErrNumber)
			assert.True(t, n.IsZero())
			assert.Empty(t, n.Reveal())

			v, err := identity.VouchedCitizenNumber(spoil(cccd))
			assert.ErrorIs(t, err, identity.ErrNumber)
			assert.True(t, v.IsZero())

			c, err := identity.ParseIDCardNumber(spoil(cmnd))
			assert.ErrorIs(t, err, identity.ErrNumber)
			assert.True(t, c.IsZero())
			assert.Empty(t, c.Reveal())
		})
	}
}

// The two kinds differ in length, so one is never taken for the other.
func TestNumberOfTheOtherKind(t *testing.T) {
	_, err := identity.ParseCitizenNumber(cmnd)
	assert.ErrorIs(t, err, identity.ErrNumber)
	_, err = identity.ParseIDCardNumber(cccd)
	assert.ErrorIs(t, err, identity.ErrNumber)
}

// What a provider states is taken as it stands: nothing is tidied.
func TestVouchedNumber(t *testing.T) {
	n, err := identity.VouchedCitizenNumber(cccd)
	require.NoError(t, err)
	assert.Equal(t, cccd, n.Reveal())

	for name, spell := range typed {
		if name == "plain" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			_, err := identity.VouchedCitizenNumber(spell(cccd))
			assert.ErrorIs(t, err, identity.ErrNumber)
		})
	}
}

// Numbers are compared with == and used as map keys.
func TestNumberEquality(t *testing.T) {
	a, err := identity.ParseCitizenNumber(spread(cccd, "."))
	require.NoError(t, err)
	b, err := identity.VouchedCitizenNumber(strings.Clone(cccd))
	require.NoError(t, err)
	assert.True(t, a == b)
	assert.Equal(t, "found", map[identity.CitizenNumber]string{a: "found"}[b])

	other, err := identity.ParseCitizenNumber("099204001239")
	require.NoError(t, err)
	assert.False(t, a == other)
	assert.False(t, a == identity.CitizenNumber{})
	assert.True(t, identity.CitizenNumber{}.IsZero())
	assert.Empty(t, identity.CitizenNumber{}.Reveal())
	assert.Empty(t, identity.IDCardNumber{}.Reveal())
}

func TestNumberProperty(t *testing.T) {
	noise := []string{"", " ", ".", "-", "\u00a0", "\u200b", "–", "\t", "\u3000"}
	for range 2000 {
		var digits, spelt strings.Builder
		digits.WriteString("099")
		spelt.WriteString("099")
		for range 9 {
			digit := rune('0' + rand.IntN(10))
			digits.WriteRune(digit)
			if rand.IntN(2) == 0 {
				digit += '０' - '0'
			}
			spelt.WriteString(noise[rand.IntN(len(noise))] + string(digit))
		}
		n, err := identity.ParseCitizenNumber(spelt.String())
		require.NoError(t, err, "%q", spelt.String())
		require.Equal(t, digits.String(), n.Reveal(), "%q", spelt.String())
	}
}

func FuzzParseCitizenNumber(f *testing.F) {
	for _, spell := range typed {
		f.Add(spell(cccd))
	}
	for _, spoil := range refused {
		f.Add(spoil(cccd))
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := identity.ParseCitizenNumber(text)
		if err != nil {
			require.ErrorIs(t, err, identity.ErrNumber)
			require.True(t, n.IsZero())
			require.NotContains(t, err.Error(), "099204")
			return
		}
		requireNumber(t, n.Reveal(), 12)
		again, err := identity.ParseCitizenNumber(n.Reveal())
		require.NoError(t, err)
		require.True(t, n == again)
		vouched, err := identity.VouchedCitizenNumber(n.Reveal())
		require.NoError(t, err)
		require.True(t, n == vouched)
	})
}

func FuzzParseIDCardNumber(f *testing.F) {
	for _, spell := range typed {
		f.Add(spell(cmnd))
	}
	for _, spoil := range refused {
		f.Add(spoil(cmnd))
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := identity.ParseIDCardNumber(text)
		if err != nil {
			require.True(t, n.IsZero())
			return
		}
		requireNumber(t, n.Reveal(), 9)
		again, err := identity.ParseIDCardNumber(n.Reveal())
		require.NoError(t, err)
		require.True(t, n == again)
	})
}

func requireNumber(t *testing.T, digits string, length int) {
	t.Helper()
	require.Len(t, digits, length)
	require.Empty(t, strings.Trim(digits, "0123456789"), "only ASCII digits")
	require.NotEqual(t, strings.Repeat(digits[:1], length), digits)
}
