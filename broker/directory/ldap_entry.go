package directory

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-ldap/ldap/v3"

	"vneid-proxy/identity"
)

// ldapEntry is an account and where it is.
type ldapEntry struct {
	Record
	dn string
}

// read is the account of an entry, found by a value, "" for none. ok is false
// where it has not one id that an account can have. Of several values where an
// account has one, the value asked for counts, else the first in the order of
// bytes; of several numbers, birth dates or subjects none does. A text that an
// account cannot have is none.
func (m LDAPMap) read(e *ldap.Entry, asked string) (entry ldapEntry, ok bool) {
	ids := m.values(e, "id")
	if m.byDN() {
		ids = []string{e.DN}
	}
	if len(ids) != 1 || !validID(identity.AccountID(ids[0])) {
		return ldapEntry{}, false
	}
	entry.dn = e.DN
	a := &entry.Account
	*a = identity.Account{
		ID: identity.AccountID(ids[0]), Kind: identity.KindCitizen, Locked: m.marked(e, "locked"),
		Username: one(m.values(e, "username"), asked), Name: one(m.values(e, "name"), ""), Email: one(m.values(e, "email"), ""),
		Phone: one(m.values(e, "phone"), ""), Group: one(m.values(e, "group"), ""), Subject: sole(m.values(e, "subject")),
		Roles: rolesOf(m.values(e, "roles")),
	}
	switch {
	case m.marked(e, "official"):
		a.Kind = identity.KindOfficial
	case m.marked(e, "organisation"):
		a.Kind = identity.KindOrganisation
	}
	switch {
	case m.marked(e, "created_by_official"):
		a.CreatedBy = identity.CreatedByOfficial
	case m.marked(e, "created_by_self"):
		a.CreatedBy = identity.CreatedBySelf
	}
	m.readNumbers(e, &entry.Record, asked)
	a.NumberVerified = !a.Number.IsZero() && m.marked(e, "verified")
	if dates := m.values(e, "birth_date"); len(dates) > 0 {
		var err error
		if a.BirthDate, err = identity.ParseBirthDate(dates[0]); err != nil || len(dates) > 1 {
			a.BirthDate, entry.BirthDateText = identity.BirthDate{}, joined(dates)
		}
	}
	if version := sole(m.values(e, "version")); validVersion(version) {
		entry.Version = version
	}
	return entry, true
}

// readNumbers tells the numbers apart, where one attribute holds both kinds.
func (m LDAPMap) readNumbers(e *ldap.Entry, r *Record, asked string) {
	numbers, cards := m.values(e, "citizen_number"), m.values(e, "id_card_number")
	if strings.EqualFold(m.Attributes["citizen_number"], m.Attributes["id_card_number"]) {
		isCard := func(text string) bool {
			_, err := identity.ParseIDCardNumber(text)
			return err == nil
		}
		cards = slices.DeleteFunc(slices.Clone(numbers), func(text string) bool { return !isCard(text) })
		numbers = slices.DeleteFunc(numbers, isCard)
	}
	if len(numbers) > 0 {
		var err error
		if r.Account.Number, err = identity.VouchedCitizenNumber(numbers[0]); err != nil || len(numbers) > 1 {
			r.Account.Number, r.NumberText = identity.CitizenNumber{}, identity.NumberTextOf(joined(numbers))
		}
	}
	if len(cards) > 0 {
		card, err := identity.ParseIDCardNumber(cards[0])
		if len(cards) > 1 {
			// A person may have had several; whoever asks for one finds it.
			card, err = identity.ParseIDCardNumber(one(cards, asked))
			if err == nil && card.Reveal() != asked {
				err = identity.ErrNumber
			}
		}
		if err == nil {
			r.Account.IDCard = card
		} else {
			r.IDCardText = identity.NumberTextOf(joined(cards))
		}
	}
}

// values are those of a field, in the order of the server.
func (m LDAPMap) values(e *ldap.Entry, field string) []string {
	if m.Attributes[field] == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.GetEqualFoldAttributeValues(m.Attributes[field])), func(text string) bool { return text == "" })
}

func (m LDAPMap) marked(e *ldap.Entry, mark string) bool {
	return slices.ContainsFunc(m.Marks[mark], func(test LDAPTest) bool {
		return slices.ContainsFunc(e.GetEqualFoldAttributeValues(test.Attribute), test.met)
	})
}

func (t LDAPTest) met(value string) bool {
	switch {
	case t.Bits != 0:
		number, err := strconv.ParseInt(value, 10, 64)
		return err == nil && number&t.Bits != 0
	case t.Value != "":
		return strings.EqualFold(value, t.Value)
	}
	return true
}

// one is the value asked for, or else the first in the order of bytes.
func one(values []string, asked string) string {
	values = slices.DeleteFunc(values, func(text string) bool { return !plain(text) })
	switch {
	case len(values) == 0:
		return ""
	case asked != "" && slices.Contains(values, asked):
		return asked
	}
	return slices.Min(values)
}

// sole is the value where there is no other.
func sole(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return one(values, "")
}

// rolesOf are the values that an account can have together, or none. Of a
// group's DN it is the name.
func rolesOf(values []string) []string {
	for i, value := range values {
		if dn, err := ldap.ParseDN(value); err == nil && len(dn.RDNs) > 1 {
			values[i] = dn.RDNs[0].Attributes[0].Value
		}
	}
	if len(values) == 0 || !plain(strings.Join(values, ";")) {
		return nil
	}
	return values
}

// joined is what is kept of values that are none.
func joined(values []string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(strings.Join(values, ", "), string(unicode.ReplacementChar)))
	if len(text) > maxField {
		text = strings.ToValidUTF8(text[:maxField], "")
	}
	return text
}
