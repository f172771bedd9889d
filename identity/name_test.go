package identity_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"vneid-proxy/identity"
)

func TestMatchNames(t *testing.T) {
	const differs, state, strong = identity.NameDiffers, identity.NameStateEqual, identity.NameStrong
	tests := []struct {
		what, a, b string
		want       identity.NameMatch
	}{
		{"the same", "Nguyễn Văn An", "Nguyễn Văn An", strong},
		{"case", "nguyễn văn an", "NGUYỄN VĂN AN", strong},
		{"case, Đ", "đặng đình đức", "ĐẶNG ĐÌNH ĐỨC", strong},
		{"case, horn letters", "trương thị mười", "TRƯƠNG THỊ MƯỜI", strong},
		{"NFC and NFD", "Nguyễn Thị Huệ", norm.NFD.String("Nguyễn Thị Huệ"), strong},
		{"NFD in upper case", norm.NFD.String("TRẦN QUỐC TUẤN"), "trần quốc tuấn", strong},
		{"marks in the other order", "Huệ", "Hue\u0323\u0302", strong},
		{"marks in the other order, tone last", "Huệ", "Hue\u0302\u0323", strong},
		{"code page 1258: vowel composed, tone apart", "Nguyễn", "Nguyê\u0303n", strong},
		{"deprecated tone marks", "Hòa Ánh", "Ho\u0340a A\u0341nh", strong},

		{"tone placement òa", "Hòa", "Hoà", strong},
		{"tone placement óa", "Lê Thị Thóa", "Lê Thị Thoá", strong},
		{"tone placement ỏa", "Thỏa", "Thoả", strong},
		{"tone placement õa", "Tõa", "Toã", strong},
		{"tone placement ọa", "Họa", "Hoạ", strong},
		{"tone placement ủy", "Thủy", "Thuỷ", strong},
		{"tone placement úy", "Thúy Kiều", "Thuý Kiều", strong},
		{"tone placement ùy", "Thùy", "Thuỳ", strong},
		{"tone placement ụy", "Thụy", "Thuỵ", strong},
		{"tone placement ỏe", "Khỏe", "Khoẻ", strong},
		{"tone placement óe", "Lóe", "Loé", strong},
		{"tone placement, NFD and case", "HÒA", norm.NFD.String("hoà"), strong},
		{"tone placement in two syllables", "Hòa Thủy", "Hoà Thuỷ", strong},
		{"tone of another syllable", "Hòa Thuy", "Hoa Thuỳ", state},
		{"another tone", "Hòa", "Hóa", state},
		{"a tone too many", "Hòa", "Hòà", state},

		{"repeated blanks", "Nguyễn  Văn   An ", " Nguyễn Văn An", strong},
		{"no-break space", "Nguyễn\u00a0Văn An", "Nguyễn Văn An", strong},
		{"ideographic space and tab", "Nguyễn\u3000Văn\tAn", "Nguyễn Văn An", strong},
		{"zero-width space within a word", "Nguy\u200bễn Văn An", "Nguyễn Văn An", strong},
		{"zero-width space between words", "Nguyễn\u200b Văn An", "Nguyễn Văn An", strong},
		{"zero-width between letter and mark", "Nguye\u0302\u200d\u0303n", "Nguyễn", strong},
		{"soft hyphen and byte order mark", "\ufeffNguy\u00adễn", "Nguyễn", strong},

		{"Đ as Icelandic eth", "\u00d0ặng", "Đặng", strong},
		{"đ as Icelandic eth", "\u00f0ặng", "Đặng", strong},
		{"Đ as African D", "\u0189ặng", "Đặng", strong},
		{"đ as d with tail", "\u0256ặng", "đặng", strong},

		{"no marks", "NGUYEN VAN AN", "Nguyễn Văn An", state},
		{"no marks, no blanks", "NGUYENVANAN", "Nguyễn Văn An", state},
		{"D for Đ", "Dang Dinh Duc", "Đặng Đình Đức", state},
		{"one D for Đ", "Dặng", "Đặng", state},
		{"one mark of two is missing", "Huê", "Huệ", state},
		{"the other mark is missing", "Huẹ", "Huệ", state},
		{"hyphen", "Nguyễn Văn-An", "Nguyễn Văn An", state},
		{"dot of an initial kept", "H. Rơ Mah", "H Rơ Mah", state},
		{"apostrophe of a highland name", "H'Hen Niê", "HHen Niê", state},
		{"typographic apostrophe", "H’Hen Niê", "H'Hen Niê", state},
		{"blank within a word", "Nguyễn Văn A n", "Nguyễn Văn An", state},
		{"ơ without horn", "Mười", "Muoi", state},

		{"i and y", "Lý", "Lí", differs},
		{"i and y, no marks", "LY", "LI", differs},
		{"Mỹ and Mĩ", "Trần Mỹ Linh", "Trần Mĩ Linh", differs},
		{"another name", "Nguyễn Văn An", "Nguyễn Văn Anh", differs},
		{"another order", "An Nguyễn Văn", "Nguyễn Văn An", differs},
		{"a middle name missing", "Nguyễn An", "Nguyễn Văn An", differs},
		{"an initial", "N. V. An", "Nguyễn Văn An", differs},
		{"empty", "", "Nguyễn Văn An", differs},
		{"both empty", "", "", differs},
		{"both blank", " \u200b", "\u00a0", differs},
		{"both marks alone", "\u0301", "\u0301", differs},
		{"both punctuation", "-.", ".-", differs},

		{"Cyrillic а", "Nguyễn V\u0430n An", "Nguyễn Van An", differs},
		{"Cyrillic а, itself", "V\u0430n", "V\u0430n", differs},
		{"Cyrillic А alone", "\u0410", "A", differs},
		{"Greek Α", "\u0391n", "An", differs},
		{"Greek Α, itself", "\u0391n", "\u0391n", differs},
		{"full-width letters", "Ａｎ", "An", differs},
		{"mathematical letters", "𝐀n", "An", differs},
		{"dotless ı", "L\u0131nh", "Linh", differs},
		{"dotless ı, itself", "L\u0131nh", "L\u0131nh", differs},
		{"dotted İ", "L\u0130nh", "Linh", state},
		{"long s", "\u017fơn", "Sơn", differs},
		{"crossed ł", "łan", "lan", differs},
		{"sharp s", "Weiß", "Weiss", differs},
		{"Chinese", "阮文安", "阮文安", differs},
		{"control character", "Nguyễn\x00 An", "Nguyễn An", differs},
		{"escape", "An\x1b", "An\x1b", differs},
		{"invalid UTF-8", "An\xff", "An\xff", differs},
		{"currency", "An$", "An", differs},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			assert.Equal(t, tt.want, identity.MatchNames(tt.a, tt.b))
			assert.Equal(t, tt.want, identity.MatchNames(tt.b, tt.a), "symmetric")
		})
	}
}

func TestStateName(t *testing.T) {
	tests := map[string]string{
		"Nguyễn Văn An":                    "NGUYENVANAN",
		"đặng thị bưởi":                    "DANGTHIBUOI",
		norm.NFD.String("Lường Thị Quỳnh"): "LUONGTHIQUYNH",
		"H'Hen Niê":                        "HHENNIE",
		"Công ty TNHH 2 thành viên":        "CONGTYTNHH2THANHVIEN",
		"Ẩ Ậ Ẫ Ắ Ặ Ẵ Ế Ệ Ễ Ố Ộ Ỗ Ớ Ợ Ỡ Ứ Ự Ữ": "AAAAAAEEEOOOOOOUUU",
		"ỳ ỵ ỷ ỹ ý ĩ ũ õ ã ẽ":                 "YYYYYIUOAE",
		"":                                    "",
		"Иванов":                              "",
		"Nguyễn 文":                            "",
	}
	for name, want := range tests {
		assert.Equal(t, want, identity.StateName(name), name)
	}
}

// No character outside Latin script becomes an ASCII letter, and within it
// only those that Unicode itself takes apart into a letter and marks, and Đ
// with those that stand for it.
func TestStateNameOfEveryCharacter(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r <= 0xdfff {
			continue
		}
		got := identity.StateName(string(r))
		if got == "" {
			continue
		}
		base := rune(norm.NFD.String(string(r))[0])
		switch {
		case strings.ContainsRune("Đđ\u00d0\u00f0\u0189\u0256", r):
			require.Equal(t, "D", got, "%U", r)
		case base < 0x80:
			require.Equal(t, strings.ToUpper(string(base)), got, "%U", r)
		default:
			t.Errorf("%U %q is taken for %s", r, r, got)
		}
	}
}

func FuzzMatchNames(f *testing.F) {
	for _, pair := range [][2]string{
		{"Nguyễn Văn An", "NGUYEN VAN AN"}, {"Hòa", "Hoà"}, {"Lý", "Lí"}, {"\u0131", "i"}, {"\u00d0", "Đ"},
		{norm.NFD.String("Huệ"), "Huệ"}, {"", "\u200b"}, {"V\u0430n", "Van"}, {"\xff", "\u0323"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		match := identity.MatchNames(a, b)
		require.Equal(t, match, identity.MatchNames(b, a), "symmetric")
		for _, name := range []string{a, b} {
			state := identity.StateName(name)
			require.Empty(t, strings.Trim(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
			require.Equal(t, state, identity.StateName(state), "fixed point")
			if state == "" {
				require.Equal(t, identity.NameDiffers, identity.MatchNames(name, name), "what has no form matches nothing")
				continue
			}
			require.Equal(t, identity.NameStrong, identity.MatchNames(name, name), "reflexive")
			require.Equal(t, identity.NameStrong, identity.MatchNames(name, norm.NFC.String(name)))
			require.Equal(t, identity.NameStrong, identity.MatchNames(name, " "+norm.NFD.String(name)+"\u200b "))
			require.GreaterOrEqual(t, identity.MatchNames(name, state), identity.NameStateEqual)
		}
		if match == identity.NameDiffers {
			return
		}
		require.Equal(t, identity.StateName(a), identity.StateName(b))
	})
}

func TestUpperName(t *testing.T) {
	for name, want := range map[string]string{
		"Nguyễn  Văn Đỗ":                   "NGUYỄN VĂN ĐỖ",
		norm.NFD.String("Lường Thị Quỳnh"): "LƯỜNG THỊ QUỲNH",
		" ðặng\u200b ":                     "ĐẶNG",
		"":                                 "",
		"Иванов":                           "",
	} {
		assert.Equal(t, want, identity.UpperName(name), name)
	}
}
