package vneidtest

import (
	"slices"
	"strings"
	"time"
)

// operation is what is asked of the population database in its own words.
type operation string

const (
	opMatch  operation = "XacThucThongTinCongDan" // do these belong together?
	opLookup operation = "TraCuuThongTinCongDan"  // who is it?
)

// question is what the SOAP and the provincial forms carry. Of the numbers and
// of the dates exactly one is given.
type question struct {
	operation     operation
	requestID     string // MaYeuCau
	procedure     string // MaDVC
	official      string // MaCanBo
	citizenNumber string // SoDinhDanh, 12 digits
	idCardNumber  string // SoCMND, 9 digits
	name          string // HoVaTen
	birthDate     string // NgayThangNam, yyyymmdd
	birthYear     string // Nam, yyyy
}

// check says whether the question is one.
func (q question) check() error {
	ok := q.operation == opMatch || q.operation == opLookup
	for _, text := range []string{q.requestID, q.procedure, q.official} {
		ok = ok && text != "" && len(text) <= 100
	}
	ok = ok && (q.citizenNumber == "") != (q.idCardNumber == "") && (q.birthDate == "") != (q.birthYear == "")
	ok = ok && (q.citizenNumber == "" || digits(q.citizenNumber, 12)) && (q.idCardNumber == "" || digits(q.idCardNumber, 9))
	ok = ok && plainName(q.name) != ""
	layout := "20060102"
	if q.birthDate == "" {
		layout = "2006"
	}
	if _, err := time.Parse(layout, q.birthDate+q.birthYear); err != nil || !ok {
		return errMalformed
	}
	return nil
}

// is says whether all that was asked is true of a person.
func (q question) is(p Persona) bool {
	if q.citizenNumber != "" && q.citizenNumber != p.CitizenNumber || q.idCardNumber != "" && q.idCardNumber != p.IDCardNumber ||
		plainName(q.name) != plainName(p.Name) {
		return false
	}
	if q.birthYear != "" {
		return strings.HasPrefix(p.BirthDate, q.birthYear)
	}
	return strings.ReplaceAll(p.BirthDate, "-", "") == q.birthDate
}

// refusal is why a question that is one gets no answer.
type refusal struct{ code, text string }

// answer answers a question: KetQuaXacThuc or CongdanCollection, or a refusal.
// Nobody and somebody else are answered alike.
func (p *Population) answer(q question) (element, *refusal) {
	switch {
	case p.procedures != nil && !slices.Contains(p.procedures, q.procedure):
		return element{}, &refusal{"004", "Thủ tục hành chính chưa được cấp quyền khai thác"}
	case p.officials != nil && !slices.Contains(p.officials, q.official):
		return element{}, &refusal{"005", "Cán bộ chưa được cấp quyền khai thác"}
	}
	known, found := persona(p.personas, q.is)
	found = found && !p.on("mismatch")
	if q.operation == opMatch {
		p.count("form_match")
		verdict := "false"
		if found {
			verdict = "true"
		}
		return branch("KetQuaXacThuc", leaf("TonTai", verdict)), nil
	}
	p.count("form_lookup")
	people := branch("CongdanCollection")
	other, _ := persona(p.personas, func(p Persona) bool { return p.CitizenNumber != known.CitizenNumber })
	switch {
	case !found:
	case p.on("record_other"):
		people.children = []element{record(other)}
	case p.on("record_two"):
		people.children = []element{record(known), record(other)}
	default:
		people.children = []element{record(known)}
	}
	return people, nil
}
