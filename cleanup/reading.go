package cleanup

import (
	"strconv"
	"strings"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// Reading is one account as the rules read it.
type Reading struct {
	// Account has the numbers that could be read or repaired.
	Account  identity.Account
	Findings []Finding
	Text     identity.NumberText // what stands in a number's place and is none
	Cohort   string

	numberState State // what the number alone says
	stateName   string
}

// Read reads one account. It decides by the record alone.
func (r Rules) Read(record directory.Record) Reading {
	found := Reading{Account: record.Account, Text: record.NumberText, Cohort: r.cohort(record.Account)}
	found.stateName = identity.StateName(record.Account.Name)
	r.readIDCard(&found, record.IDCardText)
	r.readNumber(&found, record.NumberText)
	a := &found.Account
	if !a.Number.IsZero() {
		if !a.NumberVerified {
			found.add(NumberUnverified)
		}
		if year := yearOf(a.Number); year != 0 && a.BirthDate.Year != 0 && year != a.BirthDate.Year {
			found.add(NumberContradicts)
		}
	}
	if found.stateName == "" {
		found.add(NameUnusable)
	}
	switch {
	case record.BirthDateText != "":
		found.add(BirthDateUnreadable)
	case a.BirthDate.IsZero():
		found.add(BirthDateMissing)
	}
	if r.placeholder(*a) {
		found.add(MailPlaceholder)
	}
	return found
}

func (f *Reading) add(finding Finding) { f.Findings = append(f.Findings, finding) }

// readIDCard comes first: a citizen number may stand in the CMND's place.
func (r Rules) readIDCard(f *Reading, text identity.NumberText) {
	if text.IsZero() {
		return
	}
	if f.Text.IsZero() {
		f.Text = text
	}
	if number, err := identity.ParseCitizenNumber(whole(text)); err == nil {
		f.add(NumberInIDCard)
		if f.Account.Number.IsZero() {
			f.Account.Number = number
		}
		return
	}
	plain := digits(text)
	if len(plain) != 7 && len(plain) != 8 {
		f.add(IDCardMalformed)
		return
	}
	f.add(IDCardZerosLost)
	if r.RepairZeros {
		f.Account.IDCard, _ = identity.ParseIDCardNumber(strings.Repeat("0", 9-len(plain)) + plain) // zero where it is none
	}
}

func (r Rules) readNumber(f *Reading, text identity.NumberText) {
	switch {
	case !f.Account.Number.IsZero():
		f.numberState = StateReady
	case text.IsZero():
		f.add(NumberMissing)
		f.numberState = StateNoNumber
	default:
		f.numberState = r.readText(f, text)
	}
	if !f.Account.Number.IsZero() {
		f.numberState = StateReady
	}
}

// readText makes a number of what stands in its place, where the rules allow.
func (r Rules) readText(f *Reading, text identity.NumberText) State {
	if number, err := identity.ParseCitizenNumber(whole(text)); err == nil {
		f.add(NumberUntidy)
		f.Account.Number = number
		return StateReady
	}
	plain := digits(text)
	repair := r.RepairZeros
	switch len(plain) {
	case 10, 11:
		f.add(NumberZerosLost)
	case 9:
		card, err := identity.ParseIDCardNumber(plain)
		if err != nil {
			f.add(NumberMalformed)
			return StateMalformed
		}
		f.add(NumberNineDigits)
		if r.NineDigits == NineDigitsIDCard {
			if f.Account.IDCard.IsZero() {
				f.Account.IDCard = card
			}
			return StateNoNumber
		}
		repair = r.NineDigits == NineDigitsNumber
	default:
		f.add(NumberMalformed)
		return StateMalformed
	}
	if repair {
		f.Account.Number, _ = identity.ParseCitizenNumber(strings.Repeat("0", 12-len(plain)) + plain) // zero where it is none
	}
	return StateRepairable
}

// whole drops the ".0" that a numeric column writes.
func whole(text identity.NumberText) string {
	return strings.TrimSuffix(strings.TrimSpace(text.Reveal()), ".0")
}

// digits are those of a text that holds nothing else but what people put
// between them; "" where it does.
func digits(text identity.NumberText) string {
	plain := strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "").Replace(whole(text))
	if strings.Trim(plain, "0123456789") != "" {
		return ""
	}
	return plain
}

// yearOf is the year of birth that a number's fourth to sixth digit stand for
// (Circular 07/2016/TT-BCA); 0 for no number. Foreigners' numbers may not
// follow the pattern.
func yearOf(n identity.CitizenNumber) int {
	plain := n.Reveal()
	if len(plain) != 12 {
		return 0
	}
	year, _ := strconv.Atoi(plain[4:6]) // digits, by the type
	return 1900 + 100*(int(plain[3]-'0')/2) + year
}

// question is what the population database would be asked; ok is false where
// something is lacking.
func (f Reading) question() (q ledger.CleanQuestion, ok bool) {
	q = ledger.CleanQuestion{Account: f.Account.ID, Number: f.Account.Number, Name: f.stateName,
		BirthDate: f.Account.BirthDate, Cohort: f.Cohort}
	return q, !q.Number.IsZero() && q.Name != "" && !q.BirthDate.IsZero() && q.Account != ""
}
