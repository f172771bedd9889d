package cleanup_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vneid-proxy/broker/directory"
	"vneid-proxy/cleanup"
	"vneid-proxy/identity"
)

func record(numberText, idCardText string, change ...func(*directory.Record)) directory.Record {
	r := directory.Record{
		Account: identity.Account{ID: "tk-1", Kind: identity.KindCitizen, Name: "Đỗ Thị Thử", BirthDate: identity.BirthDate{Year: 1990, Month: 1, Day: 31}},
	}
	if number, err := identity.VouchedCitizenNumber(numberText); err == nil {
		r.Account.Number = number
	} else {
		r.NumberText = identity.NumberTextOf(numberText)
	}
	if card, err := identity.ParseIDCardNumber(idCardText); err == nil {
		r.Account.IDCard = card
	} else {
		r.IDCardText = identity.NumberTextOf(idCardText)
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func TestReading(t *testing.T) {
	zeros := cleanup.Rules{RepairZeros: true}
	nine := func(is cleanup.NineDigits) cleanup.Rules { return cleanup.Rules{NineDigits: is} }
	mail := func(address string) func(*directory.Record) {
		return func(r *directory.Record) { r.Account.Email = address }
	}
	tests := []struct {
		name           string
		rules          cleanup.Rules
		record         directory.Record
		number, idCard string
		findings       []cleanup.Finding
	}{
		{"good", cleanup.Rules{}, record("099090012345", "099123456"), "099090012345", "099123456", []cleanup.Finding{cleanup.NumberUnverified}},
		{"verified", cleanup.Rules{}, record("099090012345", "", func(r *directory.Record) { r.Account.NumberVerified = true }), "099090012345", "", nil},
		{"nothing", cleanup.Rules{}, record("", "099123456"), "", "099123456", []cleanup.Finding{cleanup.NumberMissing}},
		{"blanks", cleanup.Rules{}, record("0990 9001 2345", ""), "099090012345", "", []cleanup.Finding{cleanup.NumberUntidy, cleanup.NumberUnverified}},
		{"full width", cleanup.Rules{}, record("０99090012345", ""), "099090012345", "", []cleanup.Finding{cleanup.NumberUntidy, cleanup.NumberUnverified}},
		{"a zero lost", cleanup.Rules{}, record("99090012345", ""), "", "", []cleanup.Finding{cleanup.NumberZerosLost}},
		{"a zero lost, repaired", zeros, record("99090012345", ""), "099090012345", "", []cleanup.Finding{cleanup.NumberZerosLost, cleanup.NumberUnverified}},
		{"as a decimal", zeros, record("99090012345.0", ""), "099090012345", "", []cleanup.Finding{cleanup.NumberZerosLost, cleanup.NumberUnverified}},
		{"two zeros lost", zeros, record("9909001234", ""), "009909001234", "", []cleanup.Finding{cleanup.NumberZerosLost, cleanup.NumberUnverified, cleanup.NumberContradicts}},
		{"nine digits", cleanup.Rules{}, record("099123456", ""), "", "", []cleanup.Finding{cleanup.NumberNineDigits}},
		{"nine digits, and zeros", zeros, record("099123456", ""), "", "", []cleanup.Finding{cleanup.NumberNineDigits}},
		{"nine digits, a CMND", nine(cleanup.NineDigitsIDCard), record("099123456", ""), "", "099123456", []cleanup.Finding{cleanup.NumberNineDigits}},
		{"nine digits, another CMND", nine(cleanup.NineDigitsIDCard), record("099123456", "990123456"), "", "990123456", []cleanup.Finding{cleanup.NumberNineDigits}},
		{"nine digits, a number", nine(cleanup.NineDigitsNumber), record("990123456", ""), "000990123456", "", []cleanup.Finding{cleanup.NumberNineDigits, cleanup.NumberUnverified, cleanup.NumberContradicts}},
		{"eight digits", zeros, record("99123456", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"thirteen", zeros, record("0990900123456", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"all equal", zeros, record("000000000000", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"all equal, eleven", zeros, record("00000000000", ""), "", "", []cleanup.Finding{cleanup.NumberZerosLost}},
		{"all equal, nine", zeros, record("111111111", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"a letter O", zeros, record("O99090012345", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"of a spreadsheet", zeros, record("9.90909E+10", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"two in one", zeros, record("099090012345/099123456", ""), "", "", []cleanup.Finding{cleanup.NumberMalformed}},
		{"in the CMND's place", cleanup.Rules{}, record("", "099090012345"), "099090012345", "", []cleanup.Finding{cleanup.NumberInIDCard, cleanup.NumberUnverified}},
		{"in both places", cleanup.Rules{}, record("099090012345", "099090054321"), "099090012345", "", []cleanup.Finding{cleanup.NumberInIDCard, cleanup.NumberUnverified}},
		{"CMND without its zero", cleanup.Rules{}, record("099090012345", "99123456"), "099090012345", "", []cleanup.Finding{cleanup.IDCardZerosLost, cleanup.NumberUnverified}},
		{"CMND without its zero, repaired", zeros, record("099090012345", "99123456"), "099090012345", "099123456", []cleanup.Finding{cleanup.IDCardZerosLost, cleanup.NumberUnverified}},
		{"CMND of letters", zeros, record("099090012345", "B9912345"), "099090012345", "", []cleanup.Finding{cleanup.IDCardMalformed, cleanup.NumberUnverified}},
		{"another year", cleanup.Rules{}, record("099091012345", ""), "099091012345", "", []cleanup.Finding{cleanup.NumberUnverified, cleanup.NumberContradicts}},
		{"this century", cleanup.Rules{}, record("099305012345", "", func(r *directory.Record) { r.Account.BirthDate = identity.BirthDate{Year: 2005} }), "099305012345", "", []cleanup.Finding{cleanup.NumberUnverified}},
		{"no name", cleanup.Rules{}, record("099090012345", "", func(r *directory.Record) { r.Account.Name = " . " }), "099090012345", "", []cleanup.Finding{cleanup.NumberUnverified, cleanup.NameUnusable}},
		{"no birth date", cleanup.Rules{}, record("099090012345", "", func(r *directory.Record) { r.Account.BirthDate = identity.BirthDate{} }), "099090012345", "", []cleanup.Finding{cleanup.NumberUnverified, cleanup.BirthDateMissing}},
		{"a birth date like none", cleanup.Rules{}, record("099090012345", "", func(r *directory.Record) { r.Account.BirthDate, r.BirthDateText = identity.BirthDate{}, "31.01.90" }), "099090012345", "", []cleanup.Finding{cleanup.NumberUnverified, cleanup.BirthDateUnreadable}},
		{"mail of the portal", cleanup.Rules{}, record("", "", mail("TK-1@DichVuCong.gov.vn")), "", "", []cleanup.Finding{cleanup.NumberMissing, cleanup.MailPlaceholder}},
		{"mail of another portal", cleanup.Rules{PlaceholderDomains: []string{"none.example"}}, record("", "", mail("x@none.example")), "", "", []cleanup.Finding{cleanup.NumberMissing, cleanup.MailPlaceholder}},
		{"mail by TechID", cleanup.Rules{}, record("", "", mail("TechID00017@thu.example")), "", "", []cleanup.Finding{cleanup.NumberMissing, cleanup.MailPlaceholder}},
		{"mail by number", cleanup.Rules{}, record("099090012345", "", mail("099090012345@thu.example")), "099090012345", "", []cleanup.Finding{cleanup.NumberUnverified, cleanup.MailPlaceholder}},
		{"mail by subject", cleanup.Rules{}, record("", "", mail("abc@thu.example"), func(r *directory.Record) { r.Account.Subject = "ABC" }), "", "", []cleanup.Finding{cleanup.NumberMissing, cleanup.MailPlaceholder}},
		{"mail", cleanup.Rules{}, record("", "", mail("thu@thu.example")), "", "", []cleanup.Finding{cleanup.NumberMissing}},
		{"no mail", cleanup.Rules{}, record("", "", mail("@thu.example")), "", "", []cleanup.Finding{cleanup.NumberMissing}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := tt.rules.Read(tt.record)
			assert.Equal(t, tt.number, found.Account.Number.Reveal())
			assert.Equal(t, tt.idCard, found.Account.IDCard.Reveal())
			assert.Equal(t, tt.findings, found.Findings)
			assert.Equal(t, "citizen", found.Cohort)
		})
	}
}

// FuzzReading: whatever stands in a number's place, the reading has a number or
// a finding that says why not, and never another number than its digits.
func FuzzReading(f *testing.F) {
	for _, text := range []string{"", "099090012345", "99090012345", "099123456", "0990 9001.2345", "1E5", "０"} {
		f.Add(text, text, true)
	}
	f.Fuzz(func(t *testing.T, number, card string, repair bool) {
		r := record(number, card)
		found := cleanup.Rules{RepairZeros: repair}.Read(r)
		if !r.Account.Number.IsZero() {
			assert.Equal(t, r.Account.Number, found.Account.Number)
			return
		}
		if found.Account.Number.IsZero() {
			assert.Subset(t, []cleanup.Finding{cleanup.NumberMissing, cleanup.NumberMalformed, cleanup.NumberZerosLost, cleanup.NumberNineDigits, cleanup.NameUnusable,
				cleanup.IDCardMalformed, cleanup.IDCardZerosLost}, found.Findings)
			assert.NotEmpty(t, found.Findings)
			return
		}
		assert.Contains(t, found.Findings, cleanup.NumberUnverified)
	})
}
