package cleanup

import (
	"cmp"
	"slices"
	"strings"

	"vneid-proxy/identity"
)

// Rules are what an operator decides about the reading of a directory. The
// zero value repairs nothing.
type Rules struct {
	// RepairZeros puts lost leading zeros back: 10 and 11 digits become a
	// citizen number, 7 and 8 in the CMND's place a CMND. Only an operator
	// knows that a column was numeric.
	RepairZeros bool
	// NineDigits says what nine digits in the citizen number's place are.
	NineDigits NineDigits
	// PlaceholderDomains are mail domains under which nobody reads mail; nil
	// is dichvucong.gov.vn.
	PlaceholderDomains []string
	// Cohort is the name under which an account is counted, from a closed list
	// of the operator's; nil is the account's kind.
	Cohort func(identity.Account) string
}

// NineDigits is what nine digits in the citizen number's place are.
type NineDigits string

// The choices; "" is NineDigitsUnknown.
const (
	NineDigitsUnknown NineDigits = "unknown" // left alone
	NineDigitsIDCard  NineDigits = "id-card" // a CMND, where the account has none
	NineDigitsNumber  NineDigits = "number"  // a citizen number that has lost three zeros
)

func (r Rules) cohort(a identity.Account) string {
	if r.Cohort == nil {
		return string(a.Kind)
	}
	return cmp.Or(r.Cohort(a), string(a.Kind))
}

// placeholder reports whether a mail address was made up by a program: under a
// domain where nobody reads mail, or named after a number or a stable key of
// the person's.
func (r Rules) placeholder(a identity.Account) bool {
	local, domain, ok := strings.Cut(strings.ToLower(a.Email), "@")
	if !ok || local == "" {
		return false
	}
	domains := r.PlaceholderDomains
	if domains == nil {
		domains = []string{"dichvucong.gov.vn"}
	}
	return slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(d, domain) }) ||
		strings.HasPrefix(local, "techid") || local == strings.ToLower(a.Subject) ||
		local == a.Number.Reveal() || local == a.IDCard.Reveal()
}
