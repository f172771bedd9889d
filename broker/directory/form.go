package directory

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // an image made from scratch has no time zones of its own
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"vneid-proxy/identity"
)

// datum is a value of the database as a text. Native is the day and time where
// the database itself has it as such.
type datum struct {
	text     string
	native   time.Time
	readable bool // false: bytes that are no text, or JSON that is none
}

// datumOf makes a datum of what a driver returns. NULL is the empty text.
func datumOf(value any) datum {
	switch v := value.(type) {
	case nil:
		return datum{readable: true}
	case string:
		return datum{text: v, readable: utf8.ValidString(v)}
	case []byte:
		return datum{text: string(v), readable: utf8.Valid(v)}
	case int64:
		return datum{text: strconv.FormatInt(v, 10), readable: true}
	case bool:
		return datum{text: strconv.FormatBool(v), readable: true}
	case float64:
		// A number column without decimals, as some drivers return it.
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return datum{text: strconv.FormatFloat(v, 'f', -1, 64), readable: true}
		}
	case time.Time:
		return datum{text: v.Format(time.RFC3339Nano), native: v, readable: true}
	}
	return datum{}
}

// pick follows the paths into a datum that holds a JSON object. A datum that
// holds no object is taken as it stands: portals write JSON only after a
// synchronisation. Of several paths that lead to something, join takes all,
// with blanks between; else the first counts.
func (c datum) pick(paths [][]string, join bool) datum {
	if len(paths) == 0 || !strings.HasPrefix(strings.TrimSpace(c.text), "{") {
		return c
	}
	var found []string
	for _, path := range paths {
		part := c.member(path)
		if !part.readable {
			return datum{text: c.text}
		}
		if text := strings.TrimSpace(part.text); text != "" {
			found = append(found, text)
		}
	}
	if !join && len(found) > 1 {
		found = found[:1]
	}
	return datum{text: strings.Join(found, " "), readable: true}
}

// member is what a path leads to: a text, number or truth value; the empty
// text where it leads nowhere.
func (c datum) member(path []string) datum {
	value := jsontext.Value(c.text)
	for _, name := range path {
		var members map[string]jsontext.Value
		if err := json.Unmarshal(value, &members); err != nil {
			return datum{}
		}
		if value = members[name]; value == nil {
			return datum{readable: true}
		}
	}
	switch value.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		return datum{text: string(text), readable: err == nil}
	case '0', 't', 'f':
		return datum{text: string(value), readable: true}
	case 'n':
		return datum{readable: true}
	}
	return datum{}
}

// dateForms are how a birth date may stand in a column. A form reads nothing
// but what it says; nothing is guessed.
const (
	formDate        = "date"         // a date of the database's own, or a text in one of the next four
	formISO         = "iso"          // 1990-03-04
	formDayFirst    = "dd/mm/yyyy"   // 04/03/1990
	formCompact     = "yyyymmdd"     // 19900304
	formYear        = "year"         // 1990
	formInstant     = "instant"      // a moment: of the database's own, or RFC 3339 (1990-03-03T17:00:00Z); the day that it is in the zone
	formUnixSeconds = "unix_seconds" // since 1970, negative before; 0 is no date
	formUnixMillis  = "unix_millis"
	formParts       = "parts" // a JSON object with members for year, month and day
)

func dateForms() []string {
	return []string{formDate, formISO, formDayFirst, formCompact, formYear, formInstant, formUnixSeconds, formUnixMillis, formParts}
}

// birthDate reads a datum; ok is false where something stands there that is no
// birth date of the form.
func (c datum) birthDate(form string, zone *time.Location) (d identity.BirthDate, ok bool) {
	text := strings.TrimSpace(c.text)
	switch {
	case !c.readable:
		return d, false
	case text == "":
		return d, true
	}
	switch form {
	case formInstant:
		at := c.native
		if at.IsZero() {
			var err error
			if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
				return d, false
			}
		}
		return dayOf(at.In(zone))
	case formUnixSeconds, formUnixMillis:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > 1<<53 || n < -1<<53 {
			return d, false
		}
		if n == 0 {
			return d, true // midnight of no day here, and what unset columns hold
		}
		at := time.Unix(n, 0)
		if form == formUnixMillis {
			at = time.UnixMilli(n)
		}
		return dayOf(at.In(zone))
	case formDate:
		if !c.native.IsZero() {
			return midnight(c.native)
		}
	}
	return writtenDate(form, text)
}

// midnight is the day of a time without hours: with some, it would depend on
// a zone that nobody has told.
func midnight(t time.Time) (identity.BirthDate, bool) {
	if hour, minute, second := t.Clock(); hour+minute+second+t.Nanosecond() != 0 {
		return identity.BirthDate{}, false
	}
	return dayOf(t)
}

func dayOf(t time.Time) (identity.BirthDate, bool) {
	d, err := identity.ParseBirthDate(t.Format(time.DateOnly))
	return d, err == nil
}

// writtenDate reads a text. Databases without dates of their own add a
// midnight; zeros in the place of month and day leave the year.
func writtenDate(form, text string) (identity.BirthDate, bool) {
	if form == formDate || form == formISO {
		if day, clock, found := strings.Cut(strings.Replace(text, " ", "T", 1), "T"); found {
			clock = strings.TrimSuffix(clock, "Z")
			if !strings.HasPrefix(clock, "00:00") || strings.Trim(clock, "0:.") != "" {
				return identity.BirthDate{}, false
			}
			text = day
		}
	}
	for _, written := range []struct{ form, layout, before, after string }{
		{formISO, "2006-01-02", "", "-00-00"}, {formDayFirst, "02/01/2006", "00/00/", ""},
		{formCompact, "20060102", "", "0000"}, {formYear, "2006", "", ""},
	} {
		if form != formDate && form != written.form {
			continue
		}
		year, before := strings.CutPrefix(text, written.before)
		if year, after := strings.CutSuffix(year, written.after); before && after && len(year) == 4 {
			d, err := identity.ParseBirthDate(year)
			return d, err == nil
		}
		if t, err := time.Parse(written.layout, text); err == nil && len(text) == len(written.layout) {
			return dayOf(t)
		}
	}
	return identity.BirthDate{}, false
}

// dateOfParts reads {"Nam":1990,"Thang":3,"Ngay":4}, in which a text may stand
// for a number. Without month and day it is a year alone.
func (c datum) dateOfParts(year, month, day []string) (identity.BirthDate, bool) {
	if strings.TrimSpace(c.text) == "" && c.readable {
		return identity.BirthDate{}, true
	}
	var numbers [3]int
	for i, path := range [][]string{year, month, day} {
		part := c.member(path)
		text := strings.TrimSpace(part.text)
		if text == "" && part.readable {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || !part.readable {
			return identity.BirthDate{}, false
		}
		numbers[i] = int(n)
	}
	switch {
	case numbers == [3]int{}:
		return identity.BirthDate{}, true
	case numbers[1] == 0 && numbers[2] == 0:
		return writtenDate(formYear, strconv.Itoa(numbers[0]))
	case numbers[1] == 0 || numbers[2] == 0:
		return identity.BirthDate{}, false
	}
	t := time.Date(numbers[0], time.Month(numbers[1]), numbers[2], 0, 0, 0, 0, time.UTC)
	if t.Year() != numbers[0] || int(t.Month()) != numbers[1] || t.Day() != numbers[2] {
		return identity.BirthDate{}, false
	}
	return dayOf(t)
}

// restored puts back the zeros that a column of numbers has lost from a number
// of so many digits, at most lost of them.
func restored(text string, digits, lost int) string {
	if missing := digits - len(text); missing > 0 && missing <= lost && strings.Trim(text, "0123456789") == "" {
		return strings.Repeat("0", missing) + text
	}
	return text
}

// trimmed is a number without its leading zeros.
func trimmed(number string) string { return strings.TrimLeft(number, "0") }

func oneOf(words []string, text string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(word, strings.TrimSpace(text)) })
}
