package identity

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// NumberText is what a directory holds in a number's place, whatever it is: too
// short, damaged, two numbers in one. It may be most of somebody's number, so
// it prints masked, as a number does. The zero value is no text.
type NumberText struct{ text digits }

// NumberTextOf keeps a text.
func NumberTextOf(text string) NumberText {
	if text == "" {
		return NumberText{}
	}
	return NumberText{digitsOf(text)}
}

// IsZero reports that there is no text.
func (t NumberText) IsZero() bool { return t.text == digits{} }

// Reveal returns the text. Only whoever cleans accounts up calls it.
func (t NumberText) Reveal() string { return t.text.reveal() }

// String returns the masked form: asterisks but for the last three characters,
// and for those too where there are no more than six.
func (t NumberText) String() string {
	plain := t.text.reveal()
	length := utf8.RuneCountInString(plain)
	if length <= 6 {
		return strings.Repeat("*", length)
	}
	return strings.Repeat("*", length-3) + string([]rune(plain)[length-3:])
}

// Format prints the masked form for every verb and flag.
func (t NumberText) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue is the masked form.
func (t NumberText) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText is the masked form, so that encoding/json, XML and map keys mask
// too.
func (t NumberText) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
