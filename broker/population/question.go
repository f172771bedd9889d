package population

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"

	"vneid-proxy/identity"
)

// Question is what is asked. All three are needed; of the birth date the year
// alone is enough to ask, but a match is then weak evidence, and it is the
// caller who knows that.
type Question struct {
	Number    identity.CitizenNumber
	Name      string // as people write it; it is sent as Config.Form says
	BirthDate identity.BirthDate
}

// Form is how names and dates are written on the State's wires; profile "json"
// has its own.
type Form struct {
	Name string // NameASCII, the default, or NameMarks
	Date string // DatePlain, the default, or DateDashes; a year alone is four digits in both
}

// The forms.
const (
	NameASCII  = "ascii"      // NGUYENVANDO
	NameMarks  = "marks"      // NGUYỄN VĂN ĐỖ
	DatePlain  = "yyyymmdd"   // 19900131
	DateDashes = "yyyy-mm-dd" // 1990-01-31
)

func (f Form) check() error {
	if name := cmp.Or(f.Name, NameASCII); name != NameASCII && name != NameMarks {
		return errors.New("population: Form.Name: want ascii or marks")
	}
	if date := cmp.Or(f.Date, DatePlain); date != DatePlain && date != DateDashes {
		return errors.New("population: Form.Date: want yyyymmdd or yyyy-mm-dd")
	}
	return nil
}

// operation is what is asked of the State's services, in their own words.
type operation string

const (
	opMatch  operation = "XacThucThongTinCongDan"
	opLookup operation = "TraCuuThongTinCongDan"
)

// asked is a question as it goes over a wire. Exactly one of date and year is
// not "".
type asked struct {
	operation  operation
	id         string // random; ties the two sides' logs together
	number     string
	name       string
	date, year string
}

// ask is the one place where a number leaves for the population database.
func (f Form) ask(op operation, q Question) (asked, error) {
	a := asked{operation: op, id: rand.Text(), number: q.Number.Reveal(), name: identity.StateName(q.Name)}
	if a.number == "" || a.name == "" || q.BirthDate.IsZero() {
		return asked{}, ErrQuestion
	}
	if f.Name == NameMarks {
		a.name = identity.UpperName(q.Name)
	}
	switch {
	case q.BirthDate.YearOnly():
		a.year = q.BirthDate.String()
	case f.Date == DateDashes:
		a.date = q.BirthDate.String()
	default:
		a.date = fmt.Sprintf("%04d%02d%02d", q.BirthDate.Year, q.BirthDate.Month, q.BirthDate.Day)
	}
	return a, nil
}

// Answer is what a match says. The zero value is none.
type Answer int

// The answers.
const (
	Matched    Answer = iota + 1 // there is such a person
	NotMatched                   // there is none, or something differs: it cannot be told which
)

// Record is all that is taken of somebody's record.
type Record struct {
	// Found says that there is such a person, as Matched does.
	Found bool
	// IDCards are their ID-card numbers, as far as the record holds any.
	IDCards []identity.IDCardNumber
}
