package identity

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrDate says that a text is no birth date that can exist. It never holds the
// text.
var ErrDate = errors.New("identity: not a birth date")

// BirthDate is a year with or without month and day: some people's papers only
// ever held the year. Month and Day are both zero then. The zero value means
// that nothing is known.
type BirthDate struct{ Year, Month, Day int }

// DateMatch says how two birth dates agree.
type DateMatch int

// The ways two birth dates agree, from worst to best.
const (
	DateDiffers DateMatch = iota // they contradict each other, or one is unknown
	DateWeak                     // the years agree and one side holds no more, or only a placeholder 1 January
	DateFull                     // year, month and day agree
)

// ParseBirthDate reads yyyy-mm-dd, yyyymmdd, dd/mm/yyyy, dd-mm-yyyy or yyyy
// alone. OpenID Connect's 0000 for an unstated year (Core 5.1) is ErrDate, for
// a date without a year identifies nobody; so is a day that no calendar has
// and a year before 1800 or after 2999. It never invents a day or month.
func ParseBirthDate(s string) (BirthDate, error) {
	if len(s) == 4 {
		year, err := strconv.Atoi(s)
		return checkDate(BirthDate{Year: year}, err)
	}
	for _, layout := range []string{"2006-01-02", "20060102", "02/01/2006", "02-01-2006"} {
		if len(s) != len(layout) {
			continue
		}
		if t, err := time.Parse(layout, s); err == nil {
			return checkDate(BirthDate{t.Year(), int(t.Month()), t.Day()}, nil)
		}
	}
	return BirthDate{}, ErrDate
}

func checkDate(d BirthDate, err error) (BirthDate, error) {
	if err != nil || d.Year < 1800 || d.Year > 2999 {
		return BirthDate{}, ErrDate
	}
	return d, nil
}

// IsZero reports whether nothing is known.
func (d BirthDate) IsZero() bool { return d == BirthDate{} }

// YearOnly reports whether the year is all that is known.
func (d BirthDate) YearOnly() bool { return d.Year != 0 && d.Month == 0 }

// String is the ISO date, the year alone, or "" when nothing is known.
func (d BirthDate) String() string {
	switch {
	case d.IsZero():
		return ""
	case d.YearOnly():
		return fmt.Sprintf("%04d", d.Year)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// Match compares two dates. A legacy 1 January may stand for "year only": it
// matches another day of its year weakly instead of contradicting it.
func (d BirthDate) Match(other BirthDate) DateMatch {
	switch {
	case d.IsZero() || other.IsZero() || d.Year != other.Year:
		return DateDiffers
	case d == other && !d.YearOnly():
		return DateFull
	case d.YearOnly() || other.YearOnly() || d.newYear() || other.newYear():
		return DateWeak
	}
	return DateDiffers
}

func (d BirthDate) newYear() bool { return d.Month == 1 && d.Day == 1 }
