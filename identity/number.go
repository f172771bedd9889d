package identity

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unique"
)

// ErrNumber says that a text is not the number asked for. It never holds the
// text.
var ErrNumber = errors.New("identity: not a number of the expected form")

// CitizenNumber is a CCCD, "số định danh cá nhân": 12 digits without a check
// digit, leading zeros included. It is never a primary key: numbers are
// cancelled and re-established (Decree 70/2024, article 11). The zero value
// means that no number is known.
type CitizenNumber struct{ digits digits }

// IDCardNumber is a CMND: 9 digits, historic, many-to-many with people. It is
// never enough to link on. The zero value means that none is known.
type IDCardNumber struct{ digits digits }

// digits keeps a number behind a pointer that compares by value. fmt asks no
// method of a hidden field, nor of an operand that it complains about (%w,
// %p): there it prints by reflection, and then finds an address.
type digits unique.Handle[string]

func digitsOf(text string) digits { return digits(unique.Make(text)) }

func (d digits) reveal() string {
	if d == (digits{}) {
		return ""
	}
	return unique.Handle[string](d).Value()
}

// ParseCitizenNumber reads a number as a person types or pastes it: blanks,
// dots, dashes and zero-width characters are left out and full-width digits
// become ASCII. What remains must be exactly 12 digits, not all equal;
// otherwise ErrNumber. Prefixes are not checked: an unknown province or
// country code is no fault.
func ParseCitizenNumber(typed string) (CitizenNumber, error) {
	d, err := tidyDigits(typed, 12)
	return CitizenNumber{d}, err
}

// VouchedCitizenNumber reads a number as a provider or directory states it:
// exactly 12 ASCII digits with nothing to tidy, not all equal; otherwise
// ErrNumber.
func VouchedCitizenNumber(stated string) (CitizenNumber, error) {
	if !plainDigits(stated, 12) {
		return CitizenNumber{}, ErrNumber
	}
	return CitizenNumber{digitsOf(stated)}, nil
}

// ParseIDCardNumber reads a 9-digit CMND, tidied as ParseCitizenNumber does.
func ParseIDCardNumber(typed string) (IDCardNumber, error) {
	d, err := tidyDigits(typed, 9)
	return IDCardNumber{d}, err
}

// IsZero reports whether no number is known.
func (n CitizenNumber) IsZero() bool { return n.digits == digits{} }

// IsZero reports whether no number is known.
func (n IDCardNumber) IsZero() bool { return n.digits == digits{} }

// Reveal returns the 12 digits, or "" when none is known. Only codecs call it.
func (n CitizenNumber) Reveal() string { return n.digits.reveal() }

// Reveal returns the 9 digits, or "" when none is known. Only codecs and the
// link screen, which shows people their own CMND as the guide does, call it.
func (n IDCardNumber) Reveal() string { return n.digits.reveal() }

// String returns the masked form: all but the last three digits as asterisks,
// the others follow from birth date and sex. "" when none is known.
func (n CitizenNumber) String() string { return n.digits.mask() }

// String returns the masked form; "" when none is known.
func (n IDCardNumber) String() string { return n.digits.mask() }

// Format prints the masked form for every verb and flag, %#v and %x included.
func (n CitizenNumber) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, n.digits.mask()) }

// Format prints the masked form for every verb and flag, %#v and %x included.
func (n IDCardNumber) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, n.digits.mask()) }

// LogValue is the masked form.
func (n CitizenNumber) LogValue() slog.Value { return slog.StringValue(n.digits.mask()) }

// LogValue is the masked form.
func (n IDCardNumber) LogValue() slog.Value { return slog.StringValue(n.digits.mask()) }

// MarshalText is the masked form, so that encoding/json, XML and map keys mask
// too.
func (n CitizenNumber) MarshalText() ([]byte, error) { return []byte(n.digits.mask()), nil }

// MarshalText is the masked form.
func (n IDCardNumber) MarshalText() ([]byte, error) { return []byte(n.digits.mask()), nil }

// MarshalJSON is the masked form as a JSON string.
func (n CitizenNumber) MarshalJSON() ([]byte, error) { return []byte(`"` + n.digits.mask() + `"`), nil }

// MarshalJSON is the masked form as a JSON string.
func (n IDCardNumber) MarshalJSON() ([]byte, error) { return []byte(`"` + n.digits.mask() + `"`), nil }

func (d digits) mask() string {
	plain := d.reveal()
	if plain == "" {
		return ""
	}
	return strings.Repeat("*", len(plain)-3) + plain[len(plain)-3:]
}

// tidyDigits drops what people put between digits and folds full-width ones.
// Any other character is an error, so that a letter O is never taken for zero.
func tidyDigits(typed string, length int) (digits, error) {
	if len(typed) > 200 {
		return digits{}, ErrNumber
	}
	var b strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '０' && r <= '９':
			b.WriteRune(r - '０' + '0')
		case unicode.IsSpace(r), ignorable(r), r == '.', r == '．', unicode.Is(unicode.Pd, r), r == '−':
		default:
			return digits{}, ErrNumber
		}
	}
	if !plainDigits(b.String(), length) {
		return digits{}, ErrNumber
	}
	return digitsOf(b.String()), nil
}

func plainDigits(s string, length int) bool {
	if len(s) != length || strings.Count(s, s[:1]) == length {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// ignorable are the characters that have no width: pasted text is full of them.
func ignorable(r rune) bool {
	return unicode.Is(unicode.Cf, r) || r == '\u034f' || (r >= '\ufe00' && r <= '\ufe0f')
}
